//! Observations of one metric in one pane, exactly mergeable: any order of arrival and any split
//! into panes gives the same numbers.

use drift::{Confidence, DdSketch, ExactSum, Finite, interval};
use serde::{Deserialize, Serialize};

use super::{Sample, Shape, Shares};

/// The observations. Which parts are filled depends on the metric's shape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Aggregate {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
    sketch: Option<Box<DdSketch>>,
    shares: Option<Box<Categories>>,
}

/// Counts of categories: of all, and of the chosen ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Categories {
    all: Shares,
    chosen: Shares,
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

/// The quantiles that a summary names.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

impl Aggregate {
    /// Takes an observation; `false`, and nothing else, if it means nothing for the shape: NaN,
    /// infinite, negative where the shape has no negatives, or a category where it has numbers.
    pub(crate) fn add(&mut self, shape: Shape, sample: &Sample<'_>) -> bool {
        match sample {
            Sample::Number(value) => self.add_number(shape, *value),
            Sample::Name { name, chosen } => {
                let is_mix = matches!(shape, Shape::Shares { .. });
                if is_mix {
                    let shares = self.shares.get_or_insert_with(Box::default);
                    shares.all.add(name);
                    if *chosen {
                        shares.chosen.add(name);
                    }
                    self.count = self.count.saturating_add(1);
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
        self.count = self.count.saturating_add(1);
        true
    }

    /// Takes all observations of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        if let Some(sketch) = &other.sketch {
            self.sketch.get_or_insert_with(Box::default).merge(sketch);
        }
        if let Some(other) = &other.shares {
            let shares = self.shares.get_or_insert_with(Box::default);
            shares.all.merge(&other.all);
            shares.chosen.merge(&other.chosen);
        }
    }

    /// Counts of all categories, if the shape has some and there are observations.
    pub(crate) fn categories(&self) -> Option<&Shares> {
        self.shares.as_ref().map(|shares| &shares.all)
    }

    /// Counts of the chosen ones: of each run one.
    pub(crate) fn chosen(&self) -> Option<&Shares> {
        self.shares.as_ref().map(|shares| &shares.chosen)
    }

    /// The sketch, if the shape has one and there are observations.
    pub(crate) fn sketch(&self) -> Option<&DdSketch> {
        self.sketch.as_deref()
    }

    /// Observations, and how many of them were 1; for rates.
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
        let base = Summary {
            count: i64::try_from(self.count).unwrap_or(i64::MAX),
            sum: Some(sum),
            value: mean,
            ..Summary::default()
        };
        Some(match shape {
            Shape::Count => Summary { sum: None, value: n, ..base },
            Shape::Shares { .. } => {
                let distinct = self.categories().map_or(0, Shares::distinct);
                let value = f64::from(u32::try_from(distinct).unwrap_or(u32::MAX));
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
                // Below the resolution of the sums it is their rounding and nothing else.
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

/// Rounds what a platform's logarithm may have touched, so that every platform says the same.
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
            assert!(!aggregate.add(Shape::Mean, &Sample::Number(value)));
        }
        assert!(!aggregate.add(Shape::Quantiles, &Sample::Number(-1.0)));
        assert_eq!(aggregate.summary(Shape::Quantiles), None);
    }

    #[test]
    fn a_rate_has_wilsons_interval() {
        let mut aggregate = Aggregate::default();
        for failed in [1.0, 0.0, 0.0, 0.0] {
            assert!(aggregate.add(Shape::Rate, &Sample::Number(failed)));
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
            assert!(aggregate.add(Shape::Mean, &Sample::Number(0.3)));
        }
        let summary = aggregate.summary(Shape::Mean).unwrap();
        assert_eq!((summary.low, summary.high), (Some(0.3), Some(0.3)));
    }
}
