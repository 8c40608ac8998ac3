//! Which event ids were seen lately: bounded, first in, first out.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The last ids of a partition.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct RecentIds {
    order: VecDeque<u128>,
    known: HashSet<u128>,
}

#[derive(Serialize, Deserialize)]
struct Saved(Vec<[u8; 16]>);

impl From<Saved> for RecentIds {
    fn from(saved: Saved) -> Self {
        let order: VecDeque<u128> = saved.0.into_iter().map(u128::from_be_bytes).collect();
        Self { known: order.iter().copied().collect(), order }
    }
}

impl From<RecentIds> for Saved {
    fn from(ids: RecentIds) -> Self {
        Self(ids.order.into_iter().map(u128::to_be_bytes).collect())
    }
}

impl RecentIds {
    /// Remembers an id; `false` if it is known already.
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
            }
        }
        true
    }
}

/// Number of an event id: the UUID itself, or 128 bits of a digest of any other text.
pub(crate) fn number_of(id: &str) -> u128 {
    parse_uuid(id).unwrap_or_else(|| digest_of(id))
}

/// 128 bits of the SHA-256 of a text.
pub(crate) fn digest_of(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn parse_uuid(text: &str) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut number: u128 = 0;
    for (at, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
            _ if matches!(at, 8 | 13 | 18 | 23) => return None,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_is_forgotten_first() {
        let mut ids = RecentIds::default();
        assert!((0..4).all(|id| ids.insert(id, 3)));
        assert!(!ids.insert(1, 3) && !ids.insert(3, 3));
        assert!(ids.insert(0, 3));
        let saved = postcard::to_stdvec(&ids).unwrap();
        let mut again: RecentIds = postcard::from_bytes(&saved).unwrap();
        assert!(!again.insert(0, 3) && again.insert(1, 3));
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
