//! A distance measure as an entry of a list.

use super::comparison::{BINS, Comparison};
use super::pooled::Pooled;
use super::table::Table;

/// Computes a measure from the input that it takes.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// Values, or sketches of them.
    Values(fn(&Pooled) -> Comparison),
    /// Values only; sketches are not precise enough.
    Samples(fn(&Pooled) -> Comparison),
    /// Counts; values are binned at [`BINS`] quantiles of the reference.
    Counts(fn(&Table) -> Comparison),
}

/// A distance measure.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name in events and configuration; never renamed.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// How it is computed.
    pub measure: Measure,
}

impl Entry {
    /// Compares two samples of values. `None` if they come from sketches and the measure does not
    /// support those.
    #[must_use]
    pub fn compare(&self, pooled: &Pooled) -> Option<Comparison> {
        match self.measure {
            Measure::Values(measure) => Some(measure(pooled)),
            Measure::Samples(measure) => (!pooled.sketched()).then(|| measure(pooled)),
            Measure::Counts(measure) => Some(measure(&pooled.table(BINS))),
        }
    }

    /// Compares counts of categories. `None` if the measure needs ordered values.
    #[must_use]
    pub fn compare_counts(&self, table: &Table) -> Option<Comparison> {
        match self.measure {
            Measure::Counts(measure) => Some(measure(table)),
            Measure::Values(_) | Measure::Samples(_) => None,
        }
    }
}
