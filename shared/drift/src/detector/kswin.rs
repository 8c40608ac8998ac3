//! KSWIN: a Kolmogorov-Smirnov test of the newest values against a sample of the ones before.
//!
//! Raab, Heusinger, Schleif: *Reactive soft prototype computing for concept drift streams*,
//! Neurocomputing 416, 2020. Of the last `window` values the newest `recent` are compared with as
//! many of the older ones, by the exact two-sided test.
//!
//! **Sampling.** The paper draws the older ones at random; here they are evenly spaced, so that
//! computing again repeats every alarm: of `o` older values, the oldest first, number `floor(i o /
//! recent)` for `i = 0 .. recent - 1`.
//!
//! **Threshold.** It is one over the level of a single test, `1 / alpha`, and the statistic is one
//! over the p-value; river's default of 0.005 is a threshold of 200. With 30 values the p-value
//! has few steps: 200 and 400 are the same test.
//!
//! **Guarantee.** None for a stream: the test is repeated at every value, so false alarms are far
//! more frequent than `alpha` suggests (about every 970 values at the default). A change that has
//! left the window is no longer detected. Calibrate it on your own streams.
//!
//! The test is two-sided and compares whole distributions; it ignores any direction. After an alarm
//! the newest values stay, as in the paper; a reset forgets them too, as in river.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::detector::classical::{CAP, bounded, from_one, signal};
use crate::detector::{NullError, Observation, Signal, StreamDetector};
use crate::distance::kolmogorov_smirnov::p_of_equal_sizes;

/// Settings, with the paper's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KswinSettings {
    /// Largest number of values kept: 100.
    pub window: usize,
    /// The newest of them, which are compared with the others: 30.
    pub recent: usize,
}

/// Largest window: state is bounded.
const WINDOW_MAX: usize = 4_096;

impl Default for KswinSettings {
    fn default() -> Self {
        Self { window: 100, recent: 30 }
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kswin {
    settings: KswinSettings,
    threshold: f64,
    values: VecDeque<f64>,
    observations: u64,
    /// `recent` times the largest difference of the two distribution functions.
    distance: u64,
    statistic: f64,
}

impl Kswin {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold`, which is `1 / alpha`.
    ///
    /// # Errors
    ///
    /// No recent values, a window of fewer than twice as many or of more than 4,096 values, or a
    /// threshold that is not a finite number of at least 1.
    pub fn new(settings: KswinSettings, threshold: f64) -> Result<Self, NullError> {
        if settings.recent == 0 || settings.window / 2 < settings.recent {
            return Err(NullError::Setting("recent", "at least 1 and at most half of `window`"));
        }
        if settings.window > WINDOW_MAX {
            return Err(NullError::Setting("window", "at most 4,096"));
        }
        Ok(Self {
            settings,
            threshold: from_one(threshold)?,
            values: VecDeque::new(),
            observations: 0,
            distance: 0,
            statistic: 0.0,
        })
    }

    /// The sample of the older values and the newest ones, each ascending.
    fn samples(&self) -> (Vec<f64>, Vec<f64>) {
        let KswinSettings { window, recent } = self.settings;
        let older = window - recent;
        let sampled = (0..recent).filter_map(|i| self.values.get(i * older / recent).copied());
        let mut pair = (sampled.collect::<Vec<_>>(), self.newest().collect::<Vec<_>>());
        pair.0.sort_unstable_by(f64::total_cmp);
        pair.1.sort_unstable_by(f64::total_cmp);
        pair
    }

    fn newest(&self) -> impl Iterator<Item = f64> {
        self.values.iter().skip(self.settings.window - self.settings.recent).copied()
    }
}

/// The largest difference, over all numbers, between how many values of each sample are at or below
/// it. Both samples are ascending.
fn distance(one: &[f64], two: &[f64]) -> u64 {
    let (mut ones, mut twos) = (one.iter().peekable(), two.iter().peekable());
    let (mut passed, mut most) = ((0_u64, 0_u64), 0);
    while let (Some(first), Some(second)) = (ones.peek(), twos.peek()) {
        let at = first.min(**second);
        while ones.next_if(|value| **value <= at).is_some() {
            passed.0 += 1;
        }
        while twos.next_if(|value| **value <= at).is_some() {
            passed.1 += 1;
        }
        most = most.max(passed.0.abs_diff(passed.1));
    }
    most
}

impl StreamDetector for Kswin {
    fn update(&mut self, observation: Observation) -> Signal {
        let KswinSettings { window, recent } = self.settings;
        if self.values.len() >= window {
            self.values.pop_front();
        }
        self.values.push_back(bounded(observation.value));
        self.observations += 1;
        if self.values.len() < window {
            self.distance = 0;
            self.statistic = 0.0;
            return Signal::Stable;
        }
        let (sampled, newest) = self.samples();
        let distance = distance(&sampled, &newest);
        if distance != self.distance || self.statistic <= 0.0 {
            self.distance = distance;
            let p = p_of_equal_sizes(recent as u64, distance);
            self.statistic = if p > 0.0 { (1.0 / p).min(CAP) } else { CAP };
        }
        let signal = signal(self.statistic, self.threshold / 10.0, self.threshold);
        if signal == Signal::Drift {
            self.values.drain(..window - recent);
        }
        signal
    }

    fn statistic(&self) -> f64 {
        self.statistic
    }

    fn observations(&self) -> u64 {
        self.observations
    }

    fn reset(&mut self) {
        self.values.clear();
        self.observations = 0;
        self.distance = 0;
        self.statistic = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Unit;

    #[test]
    fn the_older_part_is_sampled_evenly() {
        let settings = KswinSettings { window: 10, recent: 3 };
        let mut detector = Kswin::new(settings, 1e9).unwrap();
        for index in 0..13_u32 {
            let value = Unit::new(f64::from(index) / 16.0).unwrap();
            assert_eq!(detector.update(value.into()), Signal::Stable);
        }
        let sixteenths = |values: Vec<f64>| values.into_iter().map(|v| v * 16.0).collect();
        let (sampled, newest): (Vec<f64>, Vec<f64>) =
            (sixteenths(detector.samples().0), sixteenths(detector.samples().1));
        assert_eq!(sampled, [3.0, 5.0, 7.0]);
        assert_eq!(newest, [10.0, 11.0, 12.0]);
        // Disjoint samples of three: 2 of the 20 orders.
        assert!((detector.statistic() - 10.0).abs() < 1e-12);
    }

    #[test]
    fn after_an_alarm_the_newest_values_stay() {
        let mut detector = Kswin::new(KswinSettings::default(), 200.0).unwrap();
        let found = (0..400_u32).position(|index| {
            let value = Unit::new(f64::from(index * 37 % 101) / 202.0).unwrap().value();
            let value = if index < 300 { value } else { 1.0 - value / 2.0 };
            detector.update(Unit::new(value).unwrap().into()) == Signal::Drift
        });
        assert!(found.is_some_and(|at| (305..330).contains(&at)), "{found:?}");
        assert_eq!(detector.values.len(), 30);
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let with = |window, recent| Kswin::new(KswinSettings { window, recent }, 200.0).is_err();
        assert!(with(100, 0) && with(100, 51) && with(5_000, 30) && !with(60, 30));
    }

    #[test]
    fn the_distance_counts_ties_together() {
        assert_eq!(distance(&[1.0, 1.0, 2.0], &[1.0, 2.0, 2.0]), 1);
        assert_eq!(distance(&[1.0, 2.0], &[3.0, 4.0]), 2);
        assert_eq!(distance(&[0.0, 0.0], &[-0.0, 0.0]), 0);
    }
}
