//! ADWIN: a window that grows while its older and newer parts have the same mean.
//!
//! Bifet, Gavaldà: *Learning from time-changing data with adaptive windowing*, SIAM International
//! Conference on Data Mining 2007. The window is kept as buckets of 1, 2, 4, ... values, at most
//! six of a size, with sum and sum of squared deviations. Every `clock` values each boundary
//! between buckets is tested: with `n0` and `n1` values on its sides, `W = n0 + n1`, variance `v`,
//! and `m = 1 / (n0 - w + 1) + 1 / (n1 - w + 1)` for the smallest allowed side `w`, the means
//! differ if
//!
//! ```text
//! |mean0 - mean1| > sqrt(2 m v L) + 2/3 m L        L = ln(2 ln(W) / delta)
//! ```
//!
//! and the oldest bucket is dropped, until no boundary is left at which they differ.
//!
//! **Threshold.** It is `1 / delta`, and the statistic is the `1 / delta` at which the strongest
//! boundary would just have been detected: the default `delta` of 0.002 is a threshold of 500.
//!
//! **Guarantee.** None is claimed. The paper bounds the probability of a false alarm at a single
//! value by `delta`, but for a larger `L` than the one in use; in practice the run length to a
//! false alarm is far above `1 / delta`. Calibrate it on your own streams.
//!
//! **Which ADWIN.** That of river 0.26.1, whose alarms it reproduces value by value. river starts
//! over after an alarm, so reset after [`Signal::Drift`]; without a reset the newer part of the
//! window stays, as in the paper. MOA requires more than `w + 1` values on each side and keeps the
//! newer part, so its alarms differ.
//!
//! **Direction.** The window adapts to any change; only changes in the requested direction signal.

use serde::{Deserialize, Serialize};

use crate::detector::classical::{CAP, bounded, float, from_one, signal};
use crate::detector::{Direction, NullError, Observation, Signal, StreamDetector};
use crate::elementary::{exp, ln};

/// Settings, with river's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdwinSettings {
    /// Values between two checks: 32.
    pub clock: u64,
    /// Most buckets of one size; beyond that two are merged: 5.
    pub buckets_max: usize,
    /// Fewest values on each side of a boundary: 5.
    pub side_min: u64,
    /// No check until the window holds more values than this: 10.
    pub grace: u64,
}

impl Default for AdwinSettings {
    fn default() -> Self {
        Self { clock: 32, buckets_max: 5, side_min: 5, grace: 10 }
    }
}

/// Consecutive values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Bucket {
    sum: f64,
    /// Squared deviations from their mean.
    squares: f64,
}

/// Strongest evidence over all boundaries, on the scale of `L`: of any change, and of one in the
/// requested direction.
#[derive(Default)]
struct Strongest {
    any: f64,
    wanted: f64,
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    settings: AdwinSettings,
    direction: Direction,
    threshold: f64,
    /// Buckets of `2^index` values, the oldest of a size first.
    rows: Vec<Vec<Bucket>>,
    width: u64,
    sum: f64,
    squares: f64,
    observations: u64,
    statistic: f64,
    /// Statistic of the remaining window.
    left: f64,
}

impl Adwin {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its statistic reaches `threshold`, which is `1 / delta`.
    ///
    /// # Errors
    ///
    /// A setting of 0 other than `grace`, a single bucket of a size, or a threshold that is not a
    /// finite number of at least 1.
    pub fn new(
        settings: AdwinSettings,
        direction: Direction,
        threshold: f64,
    ) -> Result<Self, NullError> {
        if settings.clock == 0 || settings.side_min == 0 {
            return Err(NullError::Setting("clock, side_min", "at least 1"));
        }
        if settings.buckets_max < 2 {
            return Err(NullError::Setting("buckets_max", "at least 2"));
        }
        Ok(Self {
            settings,
            direction,
            threshold: from_one(threshold)?,
            rows: Vec::new(),
            width: 0,
            sum: 0.0,
            squares: 0.0,
            observations: 0,
            statistic: 0.0,
            left: 0.0,
        })
    }

    /// Values in the window.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    fn insert(&mut self, value: f64) {
        self.width += 1;
        if self.width > 1 {
            let (before, now) = (float(self.width - 1), float(self.width));
            let deviation = value - self.sum / before;
            self.squares += before * deviation * deviation / now;
        }
        self.sum += value;
        let mut bucket = Bucket { sum: value, squares: 0.0 };
        let (mut row, mut size) = (0, 1.0);
        loop {
            let Some(buckets) = self.rows.get_mut(row) else {
                self.rows.push(vec![bucket]);
                return;
            };
            buckets.push(bucket);
            let [one, two, ..] = buckets.as_slice() else { return };
            if buckets.len() <= self.settings.buckets_max {
                return;
            }
            let apart = one.sum / size - two.sum / size;
            bucket = Bucket {
                sum: one.sum + two.sum,
                squares: one.squares + two.squares + size * 0.5 * apart * apart,
            };
            buckets.drain(..2);
            row += 1;
            size *= 2.0;
        }
    }

    fn drop_oldest(&mut self) {
        let Some(buckets) = self.rows.last_mut() else { unreachable!("a window without buckets") };
        let bucket = buckets.remove(0);
        let emptied = buckets.is_empty();
        let count = 1_u64 << (self.rows.len() - 1);
        self.width -= count;
        self.sum -= bucket.sum;
        let (dropped, kept) = (float(count), float(self.width));
        let apart = bucket.sum / dropped - self.sum / kept;
        self.squares -= bucket.squares + dropped * kept * apart * apart / (dropped + kept);
        if emptied {
            self.rows.pop();
        }
    }

    /// For the strongest boundary, the `L` at which the means would just not differ. The window is
    /// not empty.
    fn look(&self) -> Strongest {
        let mut strongest = Strongest::default();
        let (mut older, mut newer) = (0_u64, self.width);
        let (mut older_sum, mut newer_sum) = (0.0, self.sum);
        let least = self.settings.side_min;
        let variance = (self.squares / float(self.width)).max(0.0);
        let mut count = 1_u64 << (self.rows.len() - 1);
        for buckets in self.rows.iter().rev() {
            for bucket in buckets {
                older += count;
                newer -= count;
                older_sum += bucket.sum;
                newer_sum -= bucket.sum;
                if older < least || newer < least {
                    continue;
                }
                let difference = older_sum / float(older) - newer_sum / float(newer);
                let gap = difference.abs();
                let m = 1.0 / (float(older) - float(least) + 1.0)
                    + 1.0 / (float(newer) - float(least) + 1.0);
                let spread = 2.0 * m * variance;
                let wanted = match self.direction {
                    Direction::Rising => difference < 0.0,
                    Direction::Falling => difference > 0.0,
                    Direction::Both => true,
                };
                // The evidence is at most gap^2 / spread: most boundaries need no root.
                let known = if wanted { strongest.wanted } else { strongest.any };
                if gap * gap > known * spread {
                    // The positive root y = sqrt(L) of 2/3 m y^2 + sqrt(spread) y = gap.
                    let root = 2.0 * gap / (spread.sqrt() + (spread + 8.0 / 3.0 * m * gap).sqrt());
                    let evidence = root * root;
                    strongest.any = strongest.any.max(evidence);
                    if wanted {
                        strongest.wanted = strongest.wanted.max(evidence);
                    }
                }
            }
            count >>= 1;
        }
        strongest
    }

    fn check(&mut self) {
        self.statistic = 0.0;
        loop {
            let strongest = self.look();
            let levels = 2.0 * ln(float(self.width));
            let needed = ln(levels * self.threshold);
            // Rounding must not contradict the comparison.
            let statistic = exp(strongest.wanted - ln(levels)).min(CAP);
            self.left = if strongest.wanted > needed {
                statistic.max(self.threshold)
            } else {
                statistic.min(self.threshold.next_down())
            };
            self.statistic = self.statistic.max(self.left);
            if strongest.any <= needed {
                return;
            }
            self.drop_oldest();
        }
    }
}

impl StreamDetector for Adwin {
    fn update(&mut self, observation: Observation) -> Signal {
        self.insert(bounded(observation.value));
        self.observations += 1;
        self.statistic = self.left;
        let AdwinSettings { clock, side_min, grace, .. } = self.settings;
        // The window holds two sides, and more than the grace.
        let is_full = self.width / 2 >= side_min && self.width > grace;
        if self.observations.is_multiple_of(clock) && is_full {
            self.check();
        }
        signal(self.statistic, self.threshold / 10.0, self.threshold)
    }

    fn statistic(&self) -> f64 {
        self.statistic
    }

    fn observations(&self) -> u64 {
        self.observations
    }

    fn reset(&mut self) {
        self.rows.clear();
        self.width = 0;
        self.sum = 0.0;
        self.squares = 0.0;
        self.observations = 0;
        self.statistic = 0.0;
        self.left = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Unit;

    fn detector(direction: Direction) -> Adwin {
        Adwin::new(AdwinSettings::default(), direction, 500.0).unwrap()
    }

    #[test]
    fn sums_are_those_of_the_window_and_memory_is_logarithmic() {
        let mut adwin = detector(Direction::Both);
        for index in 0..100_000_u32 {
            let value = Unit::new(f64::from(index * 7_919 % 1_000) / 1_000.0).unwrap();
            assert!(adwin.update(value.into()) != Signal::Drift, "{index}");
        }
        let buckets: usize = adwin.rows.iter().map(Vec::len).sum();
        assert!(buckets <= 6 * 16, "{buckets}");
        let counted: u64 =
            adwin.rows.iter().zip(0..).map(|(row, at)| (row.len() as u64) << at).sum();
        assert_eq!((counted, adwin.width()), (100_000, 100_000));
        let sum: f64 = adwin.rows.iter().flatten().map(|bucket| bucket.sum).sum();
        assert!((sum - adwin.sum).abs() < 1e-6);
        let mean = 0.4995;
        let variance = (0..1_000_u32).map(|i| (f64::from(i) / 1e3 - mean).powi(2)).sum::<f64>();
        assert!((adwin.squares / 1e5 - variance / 1e3).abs() < 1e-9);
    }

    #[test]
    fn only_the_asked_direction_signals_but_the_window_always_adapts() {
        for (direction, rises, falls) in [
            (Direction::Rising, true, false),
            (Direction::Falling, false, true),
            (Direction::Both, true, true),
        ] {
            for (to_one, signals) in [(true, rises), (false, falls)] {
                let mut adwin = detector(direction);
                let mut drift = false;
                for index in 0..600_u32 {
                    let one = (index >= 320) == to_one;
                    drift |= adwin.update(one.into()) == Signal::Drift;
                }
                assert_eq!(drift, signals, "{direction:?} {to_one}");
                assert!(adwin.width() <= 320, "{}", adwin.width());
            }
        }
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let with = |change: fn(&mut AdwinSettings), threshold| {
            let mut settings = AdwinSettings::default();
            change(&mut settings);
            Adwin::new(settings, Direction::Both, threshold).is_err()
        };
        assert!(with(|settings| settings.clock = 0, 500.0));
        assert!(with(|settings| settings.side_min = 0, 500.0));
        assert!(with(|settings| settings.buckets_max = 1, 500.0));
        assert!(with(|_| (), 0.5));
        assert!(!with(|_| (), 1.0));
    }
}
