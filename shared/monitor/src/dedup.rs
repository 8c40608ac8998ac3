//! Recent event ids, for deduplication: bounded, first in, first out.
//!
//! Ids are numbered in the order of arrival, and saved in pages of [`PAGE_IDS`] numbers, so that
//! the cost of saving is proportional to the number of new ids.

use std::collections::VecDeque;
use std::sync::LazyLock;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Number of ids in a page.
const PAGE_IDS: u64 = 1_024;
/// Largest number of ids that can be remembered: half of the capacity of [`PAGES`].
pub(crate) const EVENT_IDS_MAX: u32 = 32 * 1_024 * 1_024;
/// Number of pages; page numbers wrap around.
const PAGES: u64 = 65_536;

/// The last ids of a partition.
#[derive(Debug, Default)]
pub(crate) struct RecentIds {
    order: VecDeque<u128>,
    known: HashSet<u128>,
    /// Number of the oldest id.
    first: u64,
    /// Number of the first id that is not saved.
    saved: u64,
    /// Number of the oldest saved page.
    saved_page: u64,
}

/// The numbers of the remembered ids: from `first` to before `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct IdRange {
    first: u64,
    next: u64,
}

/// A page as it is saved; `None` if it is removed.
pub(crate) type Saved = (u16, Option<Vec<u8>>);

impl RecentIds {
    /// Remembers an id. Returns `false` if it is known already.
    pub(crate) fn insert(&mut self, id: u128, ids_max: usize) -> bool {
        if ids_max == 0 {
            return true;
        }
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        while self.order.len() > ids_max {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
                self.first += 1;
            }
        }
        true
    }

    /// The numbers of the remembered ids.
    pub(crate) fn range(&self) -> IdRange {
        IdRange { first: self.first, next: self.first + self.order.len() as u64 }
    }

    /// The pages that changed since the last call. Every page has a postcard form.
    #[expect(clippy::panic, reason = "without its bytes a page is lost")]
    pub(crate) fn take_changes(&mut self) -> Vec<Saved> {
        let IdRange { first, next } = self.range();
        let mut changes: Vec<Saved> = Vec::new();
        let gone = self.saved_page..(first / PAGE_IDS).min(self.saved.div_ceil(PAGE_IDS));
        changes.extend(gone.map(|page| (slot_of(page), None)));
        self.saved_page = first / PAGE_IDS;
        if next > self.saved {
            for page in self.saved.max(first) / PAGE_IDS..next.div_ceil(PAGE_IDS) {
                let from = (page * PAGE_IDS).max(first);
                let until = ((page + 1) * PAGE_IDS).min(next);
                let position = |number: u64| {
                    let Ok(position) = usize::try_from(number - first) else {
                        unreachable!("id {number} is not in memory")
                    };
                    position
                };
                let ids = self.order.range(position(from)..position(until));
                let ids: Vec<[u8; 16]> = ids.map(|id| id.to_be_bytes()).collect();
                let bytes = postcard::to_stdvec(&(from, ids))
                    .unwrap_or_else(|error| panic!("a page of event ids does not encode: {error}"));
                changes.push((slot_of(page), Some(bytes)));
            }
        }
        self.saved = next;
        changes
    }

    /// Restores the ids of a range from their pages, in any order.
    ///
    /// # Errors
    ///
    /// Pages that do not decode, or that do not match the range.
    pub(crate) fn restore(
        IdRange { first, next }: IdRange,
        pages: Vec<Vec<u8>>,
    ) -> Result<Self, String> {
        let mut all: Vec<(u64, Vec<[u8; 16]>)> = Vec::new();
        for page in pages {
            all.push(postcard::from_bytes(&page).map_err(|error| error.to_string())?);
        }
        all.sort_unstable_by_key(|(from, _)| *from);
        let mut order = VecDeque::new();
        let mut expected = first;
        for (from, ids) in all {
            for (number, id) in (from..).zip(ids).skip_while(|(number, _)| *number < first) {
                if number != expected {
                    return Err(format!("event id {expected} is missing"));
                }
                order.push_back(u128::from_be_bytes(id));
                expected += 1;
            }
        }
        if expected != next {
            return Err(format!("event ids end at {expected}, not at {next}"));
        }
        let known = order.iter().copied().collect();
        Ok(Self { order, known, first, saved: next, saved_page: first / PAGE_IDS })
    }
}

/// Number under which a page is saved.
fn slot_of(page: u64) -> u16 {
    let Ok(slot) = u16::try_from(page % PAGES) else { unreachable!("fewer than {PAGES}") };
    slot
}

/// An event id as a number: the UUID itself, or 128 bits of a digest of any other text.
pub(crate) fn number_of(id: &str) -> u128 {
    parse_uuid(id).unwrap_or_else(|| digest_of(id))
}

/// 128 bits of the SHA-256 of a text.
pub(crate) fn digest_of(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// A UUID in lower case, with hyphens.
fn parse_uuid(text: &str) -> Option<u128> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if !HYPHENS.iter().all(|at| text.get(*at) == Some(&b'-')) {
        return None;
    }
    let digits = &*DIGITS;
    let digit = |at: usize| text.get(at).map(|byte| digits.get(usize::from(*byte)).copied());
    let mut invalid = 0;
    let mut bytes = [0; 16];
    for (byte, at) in bytes.iter_mut().zip(PAIRS) {
        let (high, low) = (digit(at)??, digit(at + 1)??);
        invalid |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    // Digits have four bits.
    (invalid & 0xf0 == 0).then(|| u128::from_be_bytes(bytes))
}

/// The value of each byte as a hexadecimal digit in lower case; [`u8::MAX`] if it is none.
static DIGITS: LazyLock<[u8; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let digit =
            u8::try_from(byte).map(char::from).ok().filter(|byte| !byte.is_ascii_uppercase());
        let value = digit.and_then(|digit| digit.to_digit(16));
        value.and_then(|value| u8::try_from(value).ok()).unwrap_or(u8::MAX)
    })
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_oldest_id_is_forgotten_first() {
        let mut ids = RecentIds::default();
        assert!((0..4).all(|id| ids.insert(id, 3)));
        assert!(!ids.insert(1, 3) && !ids.insert(3, 3));
        assert!(ids.insert(0, 3));
    }

    #[test]
    fn what_was_saved_piece_by_piece_is_what_is_remembered() {
        for (ids_max, steps) in [(3, 5), (700, 900), (3_000, 777), (5_000, 1_024)] {
            let mut ids = RecentIds::default();
            let mut saved: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
            for round in 0..20_u128 {
                for id in 0..steps {
                    assert!(ids.insert(round * steps + id, ids_max));
                }
                let changes = ids.take_changes();
                assert!(changes.len() <= 6, "{}", changes.len());
                for (page, bytes) in changes {
                    match bytes {
                        Some(bytes) => drop(saved.insert(page, bytes)),
                        None => drop(saved.remove(&page).unwrap()),
                    }
                }
                assert!(ids.take_changes().is_empty());
                let pages: Vec<_> = saved.values().cloned().collect();
                let mut again = RecentIds::restore(ids.range(), pages.clone()).unwrap();
                assert_eq!((&again.order, &again.known), (&ids.order, &ids.known));
                assert!(again.take_changes().is_empty());
                assert!(RecentIds::restore(ids.range(), Vec::new()).is_err());
                if round % 3 == 2 {
                    ids = again;
                }
            }
        }
    }

    #[test]
    fn a_uuid_is_its_own_number_and_other_texts_are_hashed() {
        assert_eq!(parse_uuid("00000000-0000-0000-0000-0000000001ff"), Some(0x1ff));
        for text in
            ["", "00000000-0000-0000-0000-0000000001fF", "0000000000000000000000000000000000-1"]
        {
            assert_eq!(parse_uuid(text), None);
            assert_eq!(number_of(text), digest_of(text));
        }
    }
}
