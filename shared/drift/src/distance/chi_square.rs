//! Chi-squared test of homogeneity: whether two samples of categories have the same distribution.
//!
//! Pearson: *On the criterion that a given system of deviations ...*, Philosophical Magazine 50,
//! 1900. Two rows, no continuity correction; categories that occur in neither sample are left out.
//! The p-value is asymptotic: trust it when expected counts are about five or more.

use super::comparison::{Bounded, Comparison};
use super::measure::{Entry, Measure};
use super::table::Table;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "chi-square",
    paper: "Pearson, Philosophical Magazine 50, 1900",
    measure: Measure::Counts(compare),
};

fn compare(table: &Table) -> Comparison {
    let statistic: f64 = table
        .expected()
        .map(|(observed, expected)| (observed - expected) * (observed - expected) / expected)
        .sum();
    Comparison {
        statistic: Bounded::exact(statistic),
        threshold: table.critical(),
        p_value: table.p_value(statistic),
    }
}
