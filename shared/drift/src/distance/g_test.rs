//! G-test of homogeneity: the likelihood-ratio form of the chi-squared test.
//!
//! Wilks: *The likelihood test of independence in contingency tables*, Annals of Mathematical
//! Statistics 6, 1935. Two rows, no continuity correction; the p-value is asymptotic.

use super::comparison::{Bounded, Comparison};
use super::measure::{Entry, Measure};
use super::table::Table;
use crate::elementary::ln;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "g-test",
    paper: "Wilks, Annals of Mathematical Statistics 6, 1935",
    measure: Measure::Counts(compare),
};

fn compare(table: &Table) -> Comparison {
    let terms =
        table.expected().map(
            |(observed, expected)| {
                if observed > 0.0 { observed * ln(observed / expected) } else { 0.0 }
            },
        );
    // Only rounding can make it negative.
    let statistic = (2.0 * terms.sum::<f64>()).max(0.0);
    Comparison {
        statistic: Bounded::exact(statistic),
        threshold: table.critical(),
        p_value: table.p_value(statistic),
    }
}
