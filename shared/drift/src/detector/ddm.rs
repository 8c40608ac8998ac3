//! DDM: an error rate that rises above its best so far by some standard deviations.
//!
//! Gama, Medas, Castillo, Rodrigues: *Learning with drift detection*, SBIA 2004. With `p` the
//! mean of all values so far and `s = sqrt(p (1 - p) / n)`, remember the `p` and `s` at which
//! `p + s` was least:
//!
//! ```text
//! statistic = (p + s - p_min) / s_min
//! ```
//!
//! **Threshold.** It is the number of standard deviations: 3 in the paper, with a warning at 2.
//!
//! **Guarantee.** None. The minimum over all times so far is treated as if it had been chosen in
//! advance, so false alarms are frequent and depend on the rate: at 0.1, after 11,000 values on
//! average when streams of 20,000 are watched. If the first values were all 0, the first 1 is an
//! alarm at any threshold. Calibrate it on your own streams.
//!
//! Values are errors (1) and successes (0), or anything in between. Falls are detected with the two
//! swapped. Alarms equal those of river 0.26.1 if the detector is reset after each.

use serde::{Deserialize, Serialize};

use crate::detector::classical::{CAP, Mean, Side, Sides, float, from_one, positive, signal};
use crate::detector::{Direction, NullError, Observation, Signal, StreamDetector};
use crate::finite::Unit;

/// Settings, with the paper's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DdmSettings {
    /// No alarm within this many values: 30.
    pub warm_up: u64,
    /// Standard deviations at which it warns: 2.
    pub warning: f64,
}

impl Default for DdmSettings {
    fn default() -> Self {
        Self { warm_up: 30, warning: 2.0 }
    }
}

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Reach {
    mean: Mean,
    /// Mean and standard deviation at the time when their sum was smallest.
    least: Option<(f64, f64)>,
    statistic: f64,
}

impl Reach {
    fn update(&mut self, value: f64, warm_up: u64) {
        self.mean.add(value);
        let (p, n) = (self.mean.mean, self.mean.count);
        if n <= warm_up {
            return;
        }
        let s = (p * (1.0 - p) / float(n)).max(0.0).sqrt();
        let (p_min, s_min) = match self.least {
            Some((p_min, s_min)) if p + s > p_min + s_min => (p_min, s_min),
            Some(_) | None => *self.least.insert((p, s)),
        };
        let above = p + s - p_min;
        self.statistic = if above > 0.0 { (above / s_min).min(CAP) } else { 0.0 };
    }
}

impl Side for Reach {
    fn statistic(&self) -> f64 {
        self.statistic
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    settings: DdmSettings,
    threshold: f64,
    sides: Sides<Reach>,
    observations: u64,
}

impl Ddm {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold` standard deviations.
    ///
    /// # Errors
    ///
    /// A warning that is not a finite number above 0, or a threshold that is not a finite number
    /// of at least 1.
    pub fn new(
        settings: DdmSettings,
        direction: Direction,
        threshold: f64,
    ) -> Result<Self, NullError> {
        positive("warning", settings.warning)?;
        let (threshold, sides) = (from_one(threshold)?, Sides::of(direction));
        Ok(Self { settings, threshold, sides, observations: 0 })
    }
}

impl StreamDetector for Ddm {
    fn update(&mut self, observation: Observation) -> Signal {
        let value = Unit::nearest(observation.value).value();
        if let Some(side) = &mut self.sides.rising {
            side.update(value, self.settings.warm_up);
        }
        if let Some(side) = &mut self.sides.falling {
            side.update(1.0 - value, self.settings.warm_up);
        }
        self.observations += 1;
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
        let mut detector = Ddm::new(DdmSettings::default(), direction, 3.0).unwrap();
        let mut signals = values.map(|value| detector.update(value.into()));
        signals.position(|signal| signal == Signal::Drift)
    }

    #[test]
    fn a_fall_is_a_rise_of_the_opposite() {
        let stream = |index: u32| index.is_multiple_of(5) == (index < 300);
        let found = run(Direction::Rising, (0..600).map(stream));
        assert!(found.is_some_and(|at| (300..400).contains(&at)), "{found:?}");
        assert_eq!(run(Direction::Falling, (0..600).map(|index| !stream(index))), found);
        assert_eq!(run(Direction::Both, (0..600).map(stream)), found);
        assert_eq!(run(Direction::Falling, (0..600).map(stream)), None);
    }

    #[test]
    fn after_nothing_but_successes_one_error_is_an_alarm() {
        assert_eq!(run(Direction::Rising, (0..100).map(|index| index == 60)), Some(60));
        assert_eq!(run(Direction::Rising, std::iter::repeat_n(true, 100)), None);
    }
}
