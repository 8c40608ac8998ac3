//! Observations of one metric in one pane. They merge exactly: the numbers do not depend on the
//! order of arrival or the split into panes.
//!
//! Of the calls of a run one is *sampled* (see `crate::sampler`): windows count all of them,
//! detectors see the sampled ones.

use drift::{Confidence, DdSketch, ExactSum, Finite, interval};
use serde::{Deserialize, Serialize};

use super::definition::{Sample, Shape};
use super::shares::Shares;
use crate::number::int;

/// The observations. Which parts are filled depends on the metric's shape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Aggregate {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
    sketch: Option<Box<DdSketch>>,
    shares: Option<Box<Shares>>,
    /// The sampled observations; `None` as long as these are all.
    sampled: Option<Box<Self>>,
}

/// The numbers of a window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Summary {
    pub(crate) count: i64,
    pub(crate) sum: Option<f64>,
    pub(crate) value: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) quantiles: Option<[f64; 4]>,
}

/// The quantiles of a summary.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

impl Aggregate {
    /// Takes an observation. Returns `false` if it is invalid for the shape, and not counted: NaN,
    /// infinite, negative where the shape has no negatives, or a category where it has numbers.
    pub(crate) fn add(&mut self, shape: Shape, sample: &Sample<'_>, is_sampled: bool) -> bool {
        if !is_sampled && self.sampled.is_none() {
            self.sampled = Some(Box::new(self.clone()));
        }
        if let Some(sampled) = self.sampled.as_mut().filter(|_| is_sampled) {
            sampled.add_sample(shape, sample);
        }
        self.add_sample(shape, sample)
    }

    fn add_sample(&mut self, shape: Shape, sample: &Sample<'_>) -> bool {
        match sample {
            Sample::Number(value) => self.add_number(shape, *value),
            Sample::Name(name) => {
                let is_mix = matches!(shape, Shape::Shares { .. });
                if is_mix {
                    self.shares.get_or_insert_with(Box::default).add(name);
                    self.count += 1;
                }
                is_mix
            }
        }
    }

    fn add_number(&mut self, shape: Shape, value: f64) -> bool {
        let Some(value) = Finite::new(value) else { return false };
        match shape {
            Shape::Count | Shape::Rate => self.sum.add(value),
            Shape::Quantiles => {
                if !self.sketch.get_or_insert_with(Box::default).insert(value) {
                    return false;
                }
                self.sum.add(value);
            }
            Shape::Mean => {
                self.sum.add(value);
                if let Some(square) = Finite::new(value.value() * value.value()) {
                    self.squares.add(square);
                }
            }
            Shape::Shares { .. } => return false,
        }
        self.count += 1;
        true
    }

    /// Adds the observations of another aggregate.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.sampled.is_some() || other.sampled.is_some() {
            let mut sampled = self.sampled().clone();
            sampled.merge_counts(other.sampled());
            self.sampled = Some(Box::new(sampled));
        }
        self.merge_counts(other);
    }

    fn merge_counts(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        if let Some(sketch) = &other.sketch {
            self.sketch.get_or_insert_with(Box::default).merge(sketch);
        }
        if let Some(other) = &other.shares {
            self.shares.get_or_insert_with(Box::default).merge(other);
        }
    }

    /// Counts of the categories, if the shape has some and there are observations.
    pub(crate) fn categories(&self) -> Option<&Shares> {
        self.shares.as_deref()
    }

    /// The sampled observations: at most one per run.
    pub(crate) fn sampled(&self) -> &Self {
        self.sampled.as_deref().unwrap_or(self)
    }

    /// The sketch, if the shape has one and there are observations.
    pub(crate) fn sketch(&self) -> Option<&DdSketch> {
        self.sketch.as_deref()
    }

    /// Number of observations, and of those equal to 1; for rates.
    pub(crate) fn rate(&self) -> (u64, u64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of zeros and ones is a count"
        )]
        let ones = self.sum.value() as u64;
        (self.count, ones)
    }

    /// The numbers; `None` without observations.
    pub(crate) fn summary(&self, shape: Shape) -> Option<Summary> {
        if self.count == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let n = self.count as f64;
        let sum = self.sum.value();
        let mean = sum / n;
        let base =
            Summary { count: int(self.count), sum: Some(sum), value: mean, ..Summary::default() };
        Some(match shape {
            Shape::Count => Summary { sum: None, value: n, ..base },
            Shape::Shares { .. } => {
                #[expect(clippy::cast_precision_loss, reason = "at most 513 categories")]
                let value = self.categories().map_or(0, Shares::distinct) as f64;
                Summary { sum: None, value, ..base }
            }
            Shape::Rate => {
                let (trials, ones) = self.rate();
                let interval = interval::wilson(ones, trials, Confidence::P95);
                Summary { low: interval.map(|i| i.low), high: interval.map(|i| i.high), ..base }
            }
            Shape::Quantiles => {
                let sketch = self.sketch.as_deref();
                let of = |quantile| sketch.and_then(|sketch| sketch.quantile(quantile));
                let [a, b, c, d] = QUANTILES.map(of);
                let quantiles = a.zip(b).zip(c.zip(d)).map(|((a, b), (c, d))| [a, b, c, d]);
                Summary { quantiles, ..base }
            }
            Shape::Mean => {
                let spread = self.squares.value() - n * mean * mean;
                // Below the resolution of the sums it is only rounding.
                let variance = if spread < n * 1e-11 { 0.0 } else { spread / (n - 1.0) };
                let interval = interval::mean_t(self.count, mean, variance, Confidence::P95);
                Summary {
                    low: interval.map(|i| stable(i.low)),
                    high: interval.map(|i| stable(i.high)),
                    ..base
                }
            }
        })
    }
}

/// Rounds a result of the platform's logarithm, so that it is the same on every platform.
fn stable(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_is_refused() {
        let mut aggregate = Aggregate::default();
        for value in [f64::NAN, f64::INFINITY] {
            assert!(!aggregate.add(Shape::Mean, &Sample::Number(value), true));
        }
        assert!(!aggregate.add(Shape::Quantiles, &Sample::Number(-1.0), true));
        assert_eq!(aggregate.summary(Shape::Quantiles), None);
    }

    #[test]
    fn the_sampled_ones_are_known_by_themselves_in_any_order_and_split() {
        let calls = [(1.0, true), (1.0, false), (0.0, true), (0.0, false), (1.0, true)];
        let of = |calls: &[(f64, bool)]| {
            let mut aggregate = Aggregate::default();
            for (failed, is_sampled) in calls {
                assert!(aggregate.add(Shape::Rate, &Sample::Number(*failed), *is_sampled));
            }
            aggregate
        };
        let whole = of(&calls);
        assert_eq!((whole.rate(), whole.sampled().rate()), ((5, 3), (3, 2)));
        for split in 0..=calls.len() {
            let (before, after) = calls.split_at(split);
            for (mut merged, other) in [(of(before), of(after)), (of(after), of(before))] {
                merged.merge(&other);
                assert_eq!(merged, whole, "{split}");
            }
        }
        let all_sampled = of(&[(1.0, true), (0.0, true)]);
        assert_eq!((all_sampled.sampled.as_ref(), all_sampled.sampled().rate()), (None, (2, 1)));
    }

    #[test]
    fn a_rate_has_wilsons_interval() {
        let mut aggregate = Aggregate::default();
        for failed in [1.0, 0.0, 0.0, 0.0] {
            assert!(aggregate.add(Shape::Rate, &Sample::Number(failed), true));
        }
        let summary = aggregate.summary(Shape::Rate).unwrap();
        assert_eq!((aggregate.rate(), summary.value), ((4, 1), 0.25));
        let wilson = interval::wilson(1, 4, Confidence::P95).unwrap();
        assert_eq!((summary.low, summary.high), (Some(wilson.low), Some(wilson.high)));
    }

    #[test]
    fn a_mean_has_students_interval_and_a_constant_has_none_of_width() {
        let mut aggregate = Aggregate::default();
        for _ in 0..10 {
            assert!(aggregate.add(Shape::Mean, &Sample::Number(0.3), true));
        }
        let summary = aggregate.summary(Shape::Mean).unwrap();
        assert_eq!((summary.low, summary.high), (Some(0.3), Some(0.3)));
    }
}
