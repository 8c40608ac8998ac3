//! A map by channel, across the versions of an agent. Suites are keyed by name, because each
//! version numbers its suites independently.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values by metric (its place) and suite (empty for none). The caller bounds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PerChannel<T>(BTreeMap<u8, BTreeMap<String, T>>);

impl<T> Default for PerChannel<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> PerChannel<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, place: u8, suite: &str) -> Option<&T> {
        self.0.get(&place)?.get(suite)
    }

    pub(crate) fn get_mut(&mut self, place: u8, suite: &str) -> Option<&mut T> {
        self.0.get_mut(&place)?.get_mut(suite)
    }

    /// Sets a value, unless the metric has values for that many other suites already.
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

    /// Keeps the metrics for which `keeps` is true. Returns whether any was removed.
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
        let mut channels = PerChannel::default();
        for (suite, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            channels.put(6, suite, value, 2);
        }
        assert_eq!(
            [channels.get(6, "a"), channels.get(6, "b"), channels.get(6, "c")],
            [Some(&4), Some(&2), None]
        );
        channels.remove(6, "a");
        channels.remove(6, "b");
        assert!(channels.is_empty());
        channels.put(1, "", 5, 0);
        assert!(
            !channels.keep(|place| place == 1) && channels.keep(|_| false) && channels.is_empty()
        );
    }
}
