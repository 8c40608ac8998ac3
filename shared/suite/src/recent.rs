//! A map of bounded size that forgets what was touched longest ago.

use std::collections::BTreeMap;

use event::Event;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Values by key, at most so many as the caller says; the one touched longest ago goes first.
///
/// Saved as keys and values in the order of touching, which is all that decides anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    from = "Saved<V>",
    into = "Saved<V>",
    bound = "V: Clone + Serialize + serde::de::DeserializeOwned"
)]
pub(crate) struct Recent<V> {
    entries: BTreeMap<u128, (u64, V)>,
    order: BTreeMap<u64, u128>,
    clock: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), clock: 0 }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved<V>(Vec<([u8; 16], V)>);

impl<V> From<Saved<V>> for Recent<V> {
    fn from(saved: Saved<V>) -> Self {
        let mut recent = Self::default();
        for (key, value) in saved.0 {
            recent.insert(u128::from_be_bytes(key), value);
        }
        recent
    }
}

impl<V: Clone> From<Recent<V>> for Saved<V> {
    fn from(recent: Recent<V>) -> Self {
        let value = |key: &u128| {
            recent.entries.get(key).map(|(_, value)| (key.to_be_bytes(), value.clone()))
        };
        Self(recent.order.values().filter_map(value).collect())
    }
}

impl<V> Recent<V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn insert(&mut self, key: u128, value: V) {
        self.clock += 1;
        self.order.insert(self.clock, key);
        if let Some((before, _)) = self.entries.insert(key, (self.clock, value)) {
            self.order.remove(&before);
        }
    }

    /// The value of a key, made if there is none, and how many were forgotten for it (0 or 1).
    /// `None` only if nothing may be kept.
    pub(crate) fn touch(
        &mut self,
        key: u128,
        entries_max: usize,
        make: impl FnOnce() -> V,
    ) -> Option<(&mut V, u64)> {
        self.clock += 1;
        let mut forgotten = 0;
        if let Some((before, _)) = self.entries.get(&key) {
            self.order.remove(before);
        } else {
            if entries_max == 0 {
                return None;
            }
            if self.entries.len() >= entries_max
                && let Some((_, oldest)) = self.order.pop_first()
            {
                self.entries.remove(&oldest);
                forgotten = 1;
            }
        }
        self.order.insert(self.clock, key);
        let entry = self.entries.entry(key).or_insert_with(|| (0, make()));
        entry.0 = self.clock;
        Some((&mut entry.1, forgotten))
    }

    pub(crate) fn remove(&mut self, key: u128) -> Option<V> {
        let (at, value) = self.entries.remove(&key)?;
        self.order.remove(&at);
        Some(value)
    }
}

/// 128 bits of the SHA-256 of texts of an event; a column without a value differs from empty text.
pub(crate) fn key_of(event: &Event<'_>, columns: &[event::ColumnId]) -> u128 {
    let mut hasher = Sha256::new();
    for column in columns {
        match event.text(*column) {
            Some(text) => {
                let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
                hasher.update([1]);
                hasher.update(length.to_be_bytes());
                hasher.update(text.as_bytes());
            }
            None => hasher.update([0]),
        }
    }
    let digest: [u8; 32] = hasher.finalize().into();
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_touched_longest_ago_goes_first() {
        let mut recent = Recent::default();
        for key in [1, 2, 3, 1] {
            *recent.touch(key, 3, || 0).unwrap().0 += key;
        }
        assert_eq!(recent.touch(4, 3, || 40).map(|(value, lost)| (*value, lost)), Some((40, 1)));
        assert_eq!((recent.remove(2), recent.remove(1), recent.len()), (None, Some(2), 2));
        assert!(recent.touch(9, 0, || 0).is_none());
    }

    proptest! {
        #[test]
        fn saving_changes_nothing(keys in prop::collection::vec(0_u128..8, 0..40), cut in 0_usize..40) {
            let mut plain = Recent::default();
            let mut saved = Recent::default();
            for (index, key) in keys.iter().enumerate() {
                if index == cut {
                    let bytes = postcard::to_stdvec(&saved).unwrap();
                    saved = postcard::from_bytes(&bytes).unwrap();
                }
                *plain.touch(*key, 4, || 0_u64).unwrap().0 += 1;
                *saved.touch(*key, 4, || 0_u64).unwrap().0 += 1;
            }
            prop_assert!(plain.len() <= 4);
            prop_assert_eq!(postcard::to_stdvec(&plain).unwrap(), postcard::to_stdvec(&saved).unwrap());
        }
    }
}
