//! Population stability index: the sum over bins of `(q - p) ln(q / p)`.
//!
//! Kullback, Leibler: *On information and sufficiency*, Annals of Mathematical Statistics 22,
//! 1951, where it is the symmetric divergence `J`; Siddiqi: *Credit risk scorecards*, 2006, for its
//! use and the rule of thumb 0.1.
//!
//! Shares are smoothed by one half per bin (Laplace), so that an empty bin counts as rare, not as
//! impossible.
//!
//! **Threshold.** The rule of thumb ignores the sample size: with a hundred values in ten bins most
//! comparisons of equal distributions exceed it. While nothing has changed, PSI is
//! about `1/n + 1/m` times a chi-squared variable with one degree of freedom less than bins
//! (Yurdakul, Naranjo: *Statistical properties of the population stability index*, Journal of Risk
//! Model Validation 14, 2020): the threshold is the larger of 0.1 and its 99.9 % quantile.

use super::comparison::{Bounded, Comparison, EFFECT_MIN};
use super::measure::{Entry, Measure};
use super::table::Table;
use crate::elementary::ln;

/// Counts added to each bin.
const SMOOTHING: f64 = 0.5;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "psi",
    paper: "Yurdakul, Naranjo: Statistical properties of the population stability index, 2020",
    measure: Measure::Counts(compare),
};

/// The index of pairs of shares, none of which is 0, without smoothing or scaling: for comparison
/// with peers that smooth empty bins in their own way.
pub fn index(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    shares
        .into_iter()
        .map(|(reference, current)| (current - reference) * ln(current / reference))
        .sum()
}

fn compare(table: &Table) -> Comparison {
    let (n, m) = table.sizes();
    #[expect(clippy::cast_precision_loss, reason = "bins are few")]
    let added = SMOOTHING * table.reference().len() as f64;
    let smoothed = table.pairs().map(|(reference, current)| {
        ((reference + SMOOTHING) / (n + added), (current + SMOOTHING) / (m + added))
    });
    Comparison {
        statistic: Bounded::exact(index(smoothed)),
        threshold: table.chance().max(EFFECT_MIN),
        p_value: None,
    }
}
