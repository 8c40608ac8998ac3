//! Jensen-Shannon distance: the square root of the mean divergence of two distributions from their
//! mean.
//!
//! Lin: *Divergence measures based on the Shannon entropy*, IEEE Transactions on Information
//! Theory 37, 1991; that its root is a metric: Endres, Schindelin: *A new metric for probability
//! distributions*, the same 49, 2003. With base 2 it lies between 0 and 1, as in NannyML;
//! Evidently uses base e.
//!
//! **Threshold.** 0.1, or if it is larger, the distance that equal distributions exceed about once
//! in a thousand comparisons: for small differences the divergence is one eighth of `sum (p - q)^2
//! / p`. Bins with few values make its tail heavier; the margin was chosen by 100,000 simulated
//! comparisons with 2 to 40 bins and 20 to 10,000 values.

use std::f64::consts::LN_2;

use super::comparison::{Bounded, Comparison, EFFECT_MIN};
use super::measure::{Entry, Measure};
use super::table::Table;
use crate::elementary::ln;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "jensen-shannon",
    paper: "Lin: Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37, 1991",
    measure: Measure::Counts(compare),
};

/// Upper bound of the ratio of the simulated 99.9 % quantile of the divergence to that of its
/// approximation.
const MARGIN: f64 = 1.25;

/// Base of the logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Bits: the distance lies between 0 and 1.
    Two,
    /// Nats: the distance lies between 0 and `sqrt(ln 2)`.
    E,
}

/// The distance with logarithms to that base.
#[must_use]
pub fn distance(table: &Table, base: Base) -> f64 {
    let nats: f64 = table
        .shares()
        .map(|(p, q)| {
            let mean = f64::midpoint(p, q);
            relative_entropy(p, mean) + relative_entropy(q, mean)
        })
        .sum::<f64>()
        / 2.0;
    let divergence = match base {
        Base::Two => nats / LN_2,
        Base::E => nats,
    };
    divergence.max(0.0).sqrt()
}

fn relative_entropy(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * ln(p / q) } else { 0.0 }
}

fn compare(table: &Table) -> Comparison {
    Comparison {
        statistic: Bounded::exact(distance(table, Base::Two)),
        threshold: (MARGIN * table.chance() / (8.0 * LN_2)).sqrt().max(EFFECT_MIN),
        p_value: None,
    }
}
