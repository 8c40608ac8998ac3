//! The list of measures.

use super::measure::Entry;
use super::{
    chi_square, cramer_von_mises, g_test, hellinger, jensen_shannon, kolmogorov_smirnov, psi,
    wasserstein,
};

/// The measures that alerts show.
pub const ALL: &[Entry] =
    &[psi::ENTRY, jensen_shannon::ENTRY, wasserstein::ENTRY, kolmogorov_smirnov::ENTRY];

/// Measures that alerts do not show: peers for comparison in benchmarks and oracle tests.
pub const CANDIDATES: &[Entry] =
    &[hellinger::ENTRY, chi_square::ENTRY, g_test::ENTRY, cramer_von_mises::ENTRY];

/// All measures, those of alerts first.
pub fn every() -> impl Iterator<Item = &'static Entry> {
    ALL.iter().chain(CANDIDATES)
}

/// The entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    every().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for entry in every() {
            assert_eq!(find(entry.name).map(|found| found.paper), Some(entry.paper));
            assert_eq!(every().filter(|other| other.name == entry.name).count(), 1);
        }
        assert!(find("none").is_none());
    }
}
