//! Page-Hinkley: the distance of the cumulative deviation from the running mean to its extreme.
//!
//! Page: *Continuous inspection schemes*, Biometrika 41, 1954; Hinkley: *Inference about the
//! change-point from cumulative sum tests*, Biometrika 58, 1971; with the forgetting of Gama,
//! Sebastião, Rodrigues: *On evaluating stream learning algorithms*, Machine Learning 90, 2013.
//!
//! ```text
//! rising    S <- alpha S + (x - mean) - delta     statistic = S - min S
//! falling   S <- alpha S + (x - mean) + delta     statistic = max S - S
//! ```
//!
//! **Threshold.** It is the `lambda` of the papers, in units of the values; river's default is 50.
//! No default fits every scale: scale the values, or choose `delta` and `lambda` for them.
//!
//! **Guarantee.** None. Calibrate it on your own streams; the run length to a false alarm depends
//! on the mean and the spread of the values.
//!
//! Alarms equal those of river 0.26.1 if the detector is reset after each (river requires more than
//! `lambda`, this at least `lambda`: they differ only at equality).

use serde::{Deserialize, Serialize};

use crate::detector::classical::{Mean, bounded, positive, signal};
use crate::detector::{Direction, NullError, Observation, Signal, StreamDetector};

/// Settings, with river's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageHinkleySettings {
    /// No alarm before this many values: 30.
    pub observations_min: u64,
    /// The papers' `delta`, the tolerated change: 0.005.
    pub tolerance: f64,
    /// The papers' `alpha`, the share of the sum that is kept at each value: 0.9999.
    pub forgetting: f64,
}

impl Default for PageHinkleySettings {
    fn default() -> Self {
        Self { observations_min: 30, tolerance: 0.005, forgetting: 0.999_9 }
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    direction: Direction,
    threshold: f64,
    mean: Mean,
    rising: f64,
    rising_least: f64,
    falling: f64,
    falling_most: f64,
    statistic: f64,
}

impl PageHinkley {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold`.
    ///
    /// # Errors
    ///
    /// A tolerance below 0, forgetting outside `(0, 1]`, or a threshold that is not a finite
    /// number above 0.
    pub fn new(
        settings: PageHinkleySettings,
        direction: Direction,
        threshold: f64,
    ) -> Result<Self, NullError> {
        if !(settings.tolerance >= 0.0 && settings.tolerance.is_finite()) {
            return Err(NullError::Setting("tolerance", "a finite number of at least 0"));
        }
        if !(settings.forgetting > 0.0 && settings.forgetting <= 1.0) {
            return Err(NullError::Setting("forgetting", "above 0 and at most 1"));
        }
        Ok(Self {
            settings,
            direction,
            threshold: positive("threshold", threshold)?,
            mean: Mean::default(),
            rising: 0.0,
            rising_least: 0.0,
            falling: 0.0,
            falling_most: 0.0,
            statistic: 0.0,
        })
    }
}

impl StreamDetector for PageHinkley {
    fn update(&mut self, observation: Observation) -> Signal {
        let value = bounded(observation.value);
        self.mean.add(value);
        let deviation = value - self.mean.mean;
        let PageHinkleySettings { observations_min, tolerance, forgetting } = self.settings;
        self.rising = forgetting * self.rising + deviation - tolerance;
        self.falling = forgetting * self.falling + deviation + tolerance;
        self.rising_least = self.rising_least.min(self.rising);
        self.falling_most = self.falling_most.max(self.falling);
        if self.mean.count >= observations_min {
            let (rise, fall) = (self.rising - self.rising_least, self.falling_most - self.falling);
            self.statistic = match self.direction {
                Direction::Rising => rise,
                Direction::Falling => fall,
                Direction::Both => rise.max(fall),
            };
        }
        // The papers define no warning.
        signal(self.statistic, self.threshold, self.threshold)
    }

    fn statistic(&self) -> f64 {
        self.statistic
    }

    fn observations(&self) -> u64 {
        self.mean.count
    }

    fn reset(&mut self) {
        self.mean = Mean::default();
        self.rising = 0.0;
        self.rising_least = 0.0;
        self.falling = 0.0;
        self.falling_most = 0.0;
        self.statistic = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_forgetting_it_is_the_drawup_of_the_sum() {
        let settings = PageHinkleySettings { observations_min: 1, tolerance: 0.0, forgetting: 1.0 };
        let mut detector = PageHinkley::new(settings, Direction::Rising, 1e9).unwrap();
        let values = [true, false, false, true, true, true, false, true];
        let (mut sum, mut least, mut sums) = (0.0, 0.0_f64, 0.0);
        for (count, value) in (1_u32..).zip(values) {
            let _ = detector.update(value.into());
            sum += f64::from(u8::from(value));
            sums += f64::from(u8::from(value)) - sum / f64::from(count);
            least = least.min(sums);
            assert!((detector.statistic() - (sums - least)).abs() < 1e-12);
        }
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let with = |tolerance, forgetting, threshold| {
            let settings = PageHinkleySettings { tolerance, forgetting, ..Default::default() };
            PageHinkley::new(settings, Direction::Both, threshold).is_err()
        };
        assert!(with(-0.1, 1.0, 50.0));
        assert!(with(f64::NAN, 1.0, 50.0));
        assert!(with(0.1, 0.0, 50.0));
        assert!(with(0.1, 1.1, 50.0));
        assert!(with(0.1, 1.0, 0.0));
        assert!(!with(0.0, 1.0, 0.1));
    }
}
