//! Hellinger distance: `sqrt(sum (sqrt(p) - sqrt(q))^2 / 2)` of two distributions `p` and `q`.
//!
//! Hellinger: *Neue Begründung der Theorie quadratischer Formen von unendlichvielen
//! Veränderlichen*, Journal für die reine und angewandte Mathematik 136, 1909. It lies between 0
//! and 1.
//!
//! **Threshold.** 0.1, or if it is larger, the distance that equal distributions exceed about once
//! in a thousand comparisons: for small differences its square is one eighth of `sum (p - q)^2 /
//! p`. Empty bins weigh four times that; the margin was chosen by 100,000 simulated comparisons
//! with 2 to 40 bins and 20 to 10,000 values.

use super::comparison::{Bounded, Comparison, EFFECT_MIN};
use super::measure::{Entry, Measure};
use super::table::Table;

/// Upper bound of the ratio of the simulated 99.9 % quantile of the square to that of its
/// approximation.
const MARGIN: f64 = 1.6;

/// Its entry in the list.
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
