//! Hellinger distance: half the squared distance between the roots of two distributions, rooted.
//!
//! Hellinger: *Neue Begründung der Theorie quadratischer Formen von unendlichvielen
//! Veränderlichen*, Journal für die reine und angewandte Mathematik 136, 1909. It lies between 0
//! and 1.
//!
//! **Threshold.** 0.1, or what chance alone exceeds about once in a thousand times if that is
//! more: for small differences its square is one eighth of `sum (p - q)^2 / p`. Empty bins weigh
//! four times that; the margin covers what 100,000 simulated comparisons showed of 2 to 40 bins
//! and 20 to 10,000 values.

use super::comparison::{Bounded, Comparison, EFFECT_MIN};
use super::measure::{Entry, Measure};
use super::table::Table;

/// Simulated 99.9 % quantile of the square over that of its approximation, at most.
const MARGIN: f64 = 1.6;

/// Its line in the list.
pub const ENTRY: Entry = Entry {
    name: "hellinger",
    paper: "Hellinger, Journal für die reine und angewandte Mathematik 136, 1909",
    measure: Measure::Counts(compare),
};

fn compare(table: &Table) -> Comparison {
    let squares: f64 = table
        .shares()
        .map(|(p, q)| {
            let apart = p.sqrt() - q.sqrt();
            apart * apart
        })
        .sum();
    Comparison {
        statistic: Bounded::exact((squares / 2.0).sqrt().min(1.0)),
        threshold: (MARGIN * table.chance() / 8.0).sqrt().max(EFFECT_MIN),
        p_value: None,
    }
}
