//! The result of comparing two samples, and why two samples cannot be compared.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Significance level of the tests.
pub const LEVEL: f64 = 0.05;

/// Number of bins, between quantiles of the reference, for measures that need bins.
pub const BINS: usize = 10;

/// Smallest effect that matters, for the measures with comparable scales.
pub(crate) const EFFECT_MIN: f64 = 0.1;

/// An estimate with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// The estimate.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Bounded {
    pub(crate) const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }
}

/// The result of comparing two samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The distance, or the test's statistic.
    pub statistic: Bounded,
    /// Value that the statistic must exceed for the samples to count as different.
    pub threshold: f64,
    /// The test's p-value. `None` for effect sizes and for sketches.
    pub p_value: Option<f64>,
}

impl Comparison {
    /// Whether the samples count as different: by the p-value if there is one, else by the
    /// threshold, allowing for the sketches' error.
    #[must_use]
    pub fn exceeds(&self) -> bool {
        self.p_value.map_or(self.statistic.low > self.threshold, |p| p <= LEVEL)
    }
}

/// Why two samples cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DistanceError {
    /// A sample without values.
    #[error("the {0} sample is empty")]
    Empty(&'static str),
    /// A value that is not a number within ±1e100.
    #[error("the {0} sample has a value that is not a number within ±1e100")]
    Value(&'static str),
    /// Counts whose sum exceeds 64 bits.
    #[error("the {0} sample counts more than 2^64 values")]
    Count(&'static str),
    /// Two lists of counts of different lengths.
    #[error("the reference has {0} categories, the current sample {1}: give both the same")]
    Categories(usize, usize),
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_a_p_value_it_decides() {
        let statistic = Bounded { value: 2.0, low: 1.0, high: 3.0 };
        let exceeds = |threshold, p_value| Comparison { statistic, threshold, p_value }.exceeds();
        assert!(exceeds(0.9, None) && !exceeds(1.1, None));
        assert!(exceeds(9.0, Some(0.05)) && !exceeds(0.0, Some(0.06)));
    }
}
