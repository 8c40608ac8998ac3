//! Documents with schemas of other writers: each is its digest. What they say follows from the records,
//! which a replay checks.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use merkle::{Hash, hash};

use crate::fault::Fault;
use crate::layout;

/// The documents that manifests have named.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    named: HashSet<Hash>,
    unread: VecDeque<Hash>,
}

impl Schemas {
    /// A manifest names a document. Returns its path the first time.
    pub(super) fn name(&mut self, digest: Hash) -> Option<String> {
        if !self.named.insert(digest) {
            return None;
        }
        self.unread.push_back(digest);
        Some(layout::schemas(&digest))
    }

    /// The next one that is to be read.
    pub(super) fn next(&mut self) -> Option<Hash> {
        self.unread.pop_front()
    }
}

/// Compares a document with its digest.
pub(super) fn check(digest: &Hash, bytes: Option<&Bytes>) -> Result<(), Fault> {
    let show = |bytes: &Bytes| hash::to_hex(&hash::sha256(bytes));
    let (expected, found) = (hash::to_hex(digest), bytes.map_or_else(|| "none".to_owned(), show));
    if found == expected {
        return Ok(());
    }
    Err(Fault::new("object digest", layout::schemas(digest), expected, found))
}
