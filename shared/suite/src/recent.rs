//! A map of bounded size that evicts the least recently used entry.

use std::collections::{BTreeMap, BTreeSet};

use event::Event;
use event::TypedColumn;
use event::typed::Text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Values by key, with a bound given by the caller; the least recently used one is evicted first.
///
/// It tracks which entries differ from what is saved. Entries that came and went in between cost
/// nothing.
#[derive(Debug, Clone)]
pub(crate) struct Recent<V> {
    /// For each key the time of its last use, and its value.
    entries: BTreeMap<u128, (u64, V)>,
    order: BTreeMap<u64, u128>,
    /// Keys of the saved entries.
    saved: BTreeSet<u128>,
    /// Keys whose saved entry must be updated or deleted.
    changed: BTreeSet<u128>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            order: BTreeMap::new(),
            saved: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }
}

impl<V> Recent<V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The value of a key, created if there is none, and the number of entries evicted for it (0 or
    /// 1). `None` only if the bound is 0. `now` is later than in all calls before.
    pub(crate) fn touch(
        &mut self,
        key: u128,
        now: u64,
        entries_max: usize,
        make: impl FnOnce() -> V,
    ) -> Option<(&mut V, u64)> {
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
                self.note_removed(oldest);
                forgotten = 1;
            }
        }
        self.order.insert(now, key);
        self.changed.insert(key);
        let entry = self.entries.entry(key).or_insert_with(|| (0, make()));
        entry.0 = now;
        Some((&mut entry.1, forgotten))
    }

    pub(crate) fn remove(&mut self, key: u128) -> Option<V> {
        let (at, value) = self.entries.remove(&key)?;
        self.order.remove(&at);
        self.note_removed(key);
        Some(value)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
        self.changed.clone_from(&self.saved);
    }

    fn note_removed(&mut self, key: u128) {
        if self.saved.contains(&key) {
            self.changed.insert(key);
        } else {
            self.changed.remove(&key);
        }
    }

    /// Whether any entry is saved.
    pub(crate) fn is_saved(&self) -> bool {
        !self.saved.is_empty()
    }
}

impl<V: Serialize + DeserializeOwned> Recent<V> {
    /// Passes each entry that has changed since the last call (or since it was restored) to `show`;
    /// `None` for one that was removed.
    pub(crate) fn take_changes(&mut self, mut show: impl FnMut(u128, Option<Vec<u8>>)) {
        for key in std::mem::take(&mut self.changed) {
            let entry = self.entries.get(&key);
            if entry.is_some() {
                self.saved.insert(key);
            } else {
                self.saved.remove(&key);
            }
            show(key, entry.map(encode));
        }
    }

    /// Restores a saved entry.
    ///
    /// # Errors
    ///
    /// Bytes that do not decode.
    pub(crate) fn restore(&mut self, key: u128, bytes: &[u8]) -> Result<(), postcard::Error> {
        let (at, value): (u64, V) = postcard::from_bytes(bytes)?;
        self.entries.insert(key, (at, value));
        self.order.insert(at, key);
        self.saved.insert(key);
        Ok(())
    }
}

/// 128 bits of the SHA-256 of texts of an event; a column without a value differs from empty text.
pub(crate) fn key_of(event: &Event<'_>, columns: &[TypedColumn<Text>]) -> u128 {
    let mut hasher = Sha256::new();
    for column in columns {
        match event.text(*column) {
            Some(text) => {
                hasher.update([1]);
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text.as_bytes());
            }
            None => hasher.update([0]),
        }
    }
    number_of(hasher)
}

/// 128 bits of a digest.
pub(crate) fn number_of(hasher: Sha256) -> u128 {
    let digest: [u8; 32] = hasher.finalize().into();
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Number of a suite, by its name: 128 bits of its SHA-256.
pub(crate) fn number_of_suite(name: &str) -> u128 {
    number_of(Sha256::new_with_prefix(name))
}

/// The saved form of a value; every type of the state has a postcard form.
#[expect(clippy::panic, reason = "without its bytes the value is lost")]
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value)
        .unwrap_or_else(|error| panic!("the state of a suite does not encode: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_touched_longest_ago_goes_first() {
        let mut recent = Recent::default();
        for (now, key) in (1..).zip([1, 2, 3, 1]) {
            *recent.touch(key, now, 3, || 0).unwrap().0 += key;
        }
        let fourth = recent.touch(4, 5, 3, || 40).map(|(value, lost)| (*value, lost));
        assert_eq!(fourth, Some((40, 1)));
        assert_eq!((recent.remove(2), recent.remove(1), recent.len()), (None, Some(2), 2));
        assert!(recent.touch(9, 6, 0, || 0).is_none());
    }

    /// What is saved of it.
    type Kept = BTreeMap<u128, Vec<u8>>;

    fn keep(recent: &mut Recent<u64>, kept: &mut Kept) -> usize {
        let mut changes = 0;
        recent.take_changes(|key, bytes| {
            changes += 1;
            match bytes {
                Some(bytes) => drop(kept.insert(key, bytes)),
                None => {
                    assert!(kept.remove(&key).is_some(), "what was never saved is not taken back")
                }
            }
        });
        changes
    }

    #[test]
    fn what_came_and_went_between_two_saves_costs_nothing() {
        let (mut recent, mut kept) = (Recent::default(), Kept::new());
        for key in 0..100 {
            recent.touch(u128::from(key), key, 1_000, || 0);
            if key >= 3 {
                recent.remove(u128::from(key));
            }
        }
        assert_eq!((keep(&mut recent, &mut kept), keep(&mut recent, &mut kept)), (3, 0));
        recent.touch(1, 200, 1_000, || 0);
        assert_eq!(keep(&mut recent, &mut kept), 1);
        recent.clear();
        recent.touch(2, 201, 1_000, || 0);
        assert_eq!((keep(&mut recent, &mut kept), kept.len(), recent.is_saved()), (3, 1, true));
    }

    proptest! {
        #[test]
        fn saving_changes_nothing(
            keys in prop::collection::vec((0_u128..8, any::<bool>()), 0..40),
            cut in 0_usize..40,
        ) {
            let (mut plain, mut resumed) = (Recent::default(), Recent::default());
            let mut kept = Kept::new();
            for (index, (key, goes)) in keys.iter().enumerate() {
                if index % (cut + 1) == 0 {
                    keep(&mut resumed, &mut kept);
                    resumed = Recent::default();
                    for (key, bytes) in &kept {
                        resumed.restore(*key, bytes).unwrap();
                    }
                }
                let now = index as u64;
                for recent in [&mut plain, &mut resumed] {
                    if *goes {
                        recent.remove(*key);
                    } else {
                        *recent.touch(*key, now, 4, || 0_u64).unwrap().0 += 1;
                    }
                }
                prop_assert!(plain.len() <= 4);
                prop_assert_eq!(&plain.entries, &resumed.entries);
                prop_assert_eq!(&plain.order, &resumed.order);
            }
        }
    }
}
