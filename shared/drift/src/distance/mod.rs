//! Distances between two samples: one measure, one file. [`ALL`] lists them; to add one, write
//! its file and a line there.
//!
//! Two samples are first pooled ([`Pooled`]): from values, which is exact, or from two sketches,
//! with the sketches' error carried to the result ([`Bounded`]). Measures of categories, and those
//! that bin values, take a [`Table`] of counts.
//!
//! **Thresholds.** Those of effect sizes are never exceeded by what the sizes of the samples
//! explain alone, but in about one of a thousand comparisons; those of tests are the critical
//! values at [`LEVEL`]. A comparison says nothing about a stream that is compared again and
//! again: that is what the detectors are for.
//!
//! ```
//! use drift::{Pooled, distance};
//!
//! let pooled = Pooled::from_samples(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0, 4.0, 5.0])?;
//! let entry = distance::find("wasserstein").ok_or("no such distance")?;
//! let comparison = entry.compare(&pooled).ok_or("takes no samples")?;
//! assert_eq!(comparison.statistic.value, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod chi_square;
pub mod cramer_von_mises;
pub mod g_test;
pub mod hellinger;
pub mod jensen_shannon;
pub mod kolmogorov_smirnov;
mod pooled;
pub mod psi;
mod table;
pub mod wasserstein;

pub use pooled::Pooled;
pub use table::Table;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The level of the tests.
pub const LEVEL: f64 = 0.05;

/// Bins between quantiles of the reference, for measures that need bins.
pub const BINS: usize = 10;

/// An effect size below which nobody is bothered, for the measures that are scaled alike.
const EFFECT_MIN: f64 = 0.1;

/// A number that is known to lie between two others.
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
    const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }
}

/// What a measure says of two samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The distance, or the test's statistic.
    pub statistic: Bounded,
    /// What the statistic has to exceed for the samples to count as different.
    pub threshold: f64,
    /// The test's p-value. Effect sizes have none, and none is taken from a sketch.
    pub p_value: Option<f64>,
}

impl Comparison {
    /// Whether the samples count as different: by the p-value where there is one, else by the
    /// threshold, whatever the sketches' error.
    #[must_use]
    pub fn exceeds(&self) -> bool {
        self.p_value.map_or(self.statistic.low > self.threshold, |p| p <= LEVEL)
    }
}

/// Why two samples cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DistanceError {
    /// Nothing to compare.
    #[error("the {0} sample is empty")]
    Empty(&'static str),
    /// Not a number within ±1e100.
    #[error("the {0} sample has a value that is not a number within ±1e100")]
    Value(&'static str),
    /// Two lists of counts that do not belong together.
    #[error("the reference has {0} categories, the current sample {1}: give both the same")]
    Categories(usize, usize),
}

/// What a measure takes.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// Values, or sketches of them.
    Values(fn(&Pooled) -> Comparison),
    /// Values; sketches say too little.
    Samples(fn(&Pooled) -> Comparison),
    /// Counts; values are binned at [`BINS`] quantiles of the reference.
    Counts(fn(&Table) -> Comparison),
}

/// What is known about a measure.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name in events and configuration; never renamed.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// Computes it.
    pub measure: Measure,
}

impl Entry {
    /// Compares two samples of values. `None` if they come from sketches and this takes none.
    #[must_use]
    pub fn compare(&self, pooled: &Pooled) -> Option<Comparison> {
        match self.measure {
            Measure::Values(measure) => Some(measure(pooled)),
            Measure::Samples(measure) => (!pooled.sketched()).then(|| measure(pooled)),
            Measure::Counts(measure) => Some(measure(&pooled.table(BINS))),
        }
    }

    /// Compares counts of categories. `None` if this needs an order of values.
    #[must_use]
    pub fn compare_counts(&self, table: &Table) -> Option<Comparison> {
        match self.measure {
            Measure::Counts(measure) => Some(measure(table)),
            Measure::Values(_) | Measure::Samples(_) => None,
        }
    }
}

/// All measures.
pub const ALL: &[Entry] = &[
    psi::ENTRY,
    jensen_shannon::ENTRY,
    hellinger::ENTRY,
    wasserstein::ENTRY,
    kolmogorov_smirnov::ENTRY,
    chi_square::ENTRY,
    g_test::ENTRY,
    cramer_von_mises::ENTRY,
];

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for entry in ALL {
            assert_eq!(find(entry.name).map(|found| found.paper), Some(entry.paper));
            assert_eq!(ALL.iter().filter(|other| other.name == entry.name).count(), 1);
        }
        assert!(find("none").is_none());
    }

    #[test]
    fn where_there_is_a_p_value_it_decides() {
        let statistic = Bounded { value: 2.0, low: 1.0, high: 3.0 };
        let exceeds = |threshold, p_value| Comparison { statistic, threshold, p_value }.exceeds();
        assert!(exceeds(0.9, None) && !exceeds(1.1, None));
        assert!(exceeds(9.0, Some(0.05)) && !exceeds(0.0, Some(0.06)));
    }
}
