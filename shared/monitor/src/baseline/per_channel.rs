//! Something for each metric and suite of an agent, by the suite's name: versions number their
//! suites each in its own way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// By metric (place in the list) and suite (empty for none). Bounded by who fills it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cells<T>(BTreeMap<u8, BTreeMap<String, T>>);

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Cells<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, place: u8, suite: &str) -> Option<&T> {
        self.0.get(&place)?.get(suite)
    }

    pub(crate) fn get_mut(&mut self, place: u8, suite: &str) -> Option<&mut T> {
        self.0.get_mut(&place)?.get_mut(suite)
    }

    /// Puts something there, unless that many suites of the metric have something already.
    pub(crate) fn put(&mut self, place: u8, suite: &str, value: T, suites_max: u16) {
        let suites = self.0.entry(place).or_default();
        if suites.len() < usize::from(suites_max).max(1) || suites.contains_key(suite) {
            suites.insert(suite.to_owned(), value);
        }
    }

    pub(crate) fn remove(&mut self, place: u8, suite: &str) {
        if let Some(suites) = self.0.get_mut(&place) {
            suites.remove(suite);
            if suites.is_empty() {
                self.0.remove(&place);
            }
        }
    }

    /// Keeps the metrics that a test says; whether any other was there.
    pub(crate) fn keep(&mut self, mut keeps: impl FnMut(u8) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|place, _| keeps(*place));
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_bounded_and_what_is_empty_is_gone() {
        let mut cells = Cells::default();
        for (suite, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            cells.put(6, suite, value, 2);
        }
        assert_eq!(
            [cells.get(6, "a"), cells.get(6, "b"), cells.get(6, "c")],
            [Some(&4), Some(&2), None]
        );
        cells.remove(6, "a");
        cells.remove(6, "b");
        assert!(cells.is_empty());
        cells.put(1, "", 5, 0);
        assert!(!cells.keep(|place| place == 1) && cells.keep(|_| false) && cells.is_empty());
    }
}
