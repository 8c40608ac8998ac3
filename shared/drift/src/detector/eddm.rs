//! EDDM: errors that come closer together than they were.
//!
//! Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà, Morales-Bueno: *Early drift detection
//! method*, Fourth International Workshop on Knowledge Discovery from Data Streams, 2006. With
//! `p` and `s` the mean and standard deviation of the number of values from error to error:
//!
//! ```text
//! statistic = max(p + 2 s) / (p + 2 s)
//! ```
//!
//! **Threshold.** It is one over the paper's `beta`: `1 / 0.9` there, with a warning at `1 / 0.95`.
//!
//! **Guarantee.** None. At the paper's threshold it alarms often on streams that do not change, as
//! the maximum is taken over a noisy start: after 1,200 values on average at an error rate of 0.1.
//! Calibrate it on your own streams.
//!
//! A value of at least one half counts as an error. Falls are detected in the distances between
//! successes. Alarms equal those of river 0.26.1 if the detector is reset after each.

use serde::{Deserialize, Serialize};

use crate::detector::classical::{Moments, Side, Sides, float, from_one, positive, signal};
use crate::detector::{Direction, NullError, Observation, Signal, StreamDetector};

/// Settings, with the paper's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EddmSettings {
    /// No maximum within this many values, and no alarm within this many errors: 30.
    pub warm_up: u64,
    /// Statistic at which it warns: `1 / 0.95`.
    pub warning: f64,
}

impl Default for EddmSettings {
    fn default() -> Self {
        Self { warm_up: 30, warning: 1.0 / 0.95 }
    }
}

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Reach {
    distances: Moments,
    /// Number of values up to and including the last error.
    last: u64,
    /// Largest `p + 2 s`.
    most: f64,
    statistic: f64,
}

impl Reach {
    fn error(&mut self, observations: u64, warm_up: u64) {
        self.distances.add(float(observations - self.last));
        self.last = observations;
        if observations <= warm_up {
            return;
        }
        let reach = self.distances.mean.mean + 2.0 * self.distances.deviation();
        if reach > self.most {
            self.most = reach;
            self.statistic = 1.0;
        } else if self.distances.mean.count > warm_up {
            self.statistic = self.most / reach;
        }
    }
}

impl Side for Reach {
    fn statistic(&self) -> f64 {
        self.statistic
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eddm {
    settings: EddmSettings,
    threshold: f64,
    sides: Sides<Reach>,
    observations: u64,
}

impl Eddm {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold`.
    ///
    /// # Errors
    ///
    /// A warning that is not a finite number above 0, or a threshold that is not a finite number
    /// of at least 1.
    pub fn new(
        settings: EddmSettings,
        direction: Direction,
        threshold: f64,
    ) -> Result<Self, NullError> {
        positive("warning", settings.warning)?;
        let (threshold, sides) = (from_one(threshold)?, Sides::of(direction));
        Ok(Self { settings, threshold, sides, observations: 0 })
    }
}

impl StreamDetector for Eddm {
    fn update(&mut self, observation: Observation) -> Signal {
        self.observations += 1;
        let error = observation.value.value() >= 0.5;
        let side = if error { &mut self.sides.rising } else { &mut self.sides.falling };
        if let Some(side) = side {
            side.error(self.observations, self.settings.warm_up);
        }
        signal(self.statistic(), self.settings.warning, self.threshold)
    }

    fn statistic(&self) -> f64 {
        self.sides.statistic()
    }

    fn observations(&self) -> u64 {
        self.observations
    }

    fn reset(&mut self) {
        self.sides.reset();
        self.observations = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(direction: Direction, values: impl Iterator<Item = bool>) -> Option<usize> {
        let mut detector = Eddm::new(EddmSettings::default(), direction, 1.0 / 0.9).unwrap();
        let mut signals = values.map(|value| detector.update(value.into()));
        signals.position(|signal| signal == Signal::Drift)
    }

    #[test]
    fn a_fall_is_a_rise_of_the_opposite() {
        let stream = |index: u32| (index + 1).is_multiple_of(if index < 400 { 10 } else { 2 });
        let found = run(Direction::Rising, (0..600).map(stream));
        assert!(found.is_some_and(|at| (400..560).contains(&at)), "{found:?}");
        assert_eq!(run(Direction::Falling, (0..600).map(|index| !stream(index))), found);
        assert_eq!(run(Direction::Rising, std::iter::repeat_n(false, 600)), None);
    }

    #[test]
    fn errors_at_a_steady_pace_are_stable() {
        assert_eq!(run(Direction::Rising, (1..10_000).map(|index| index % 7 == 0)), None);
    }
}
