//! Snapshots of a partition, as records of a compacted topic: one for each entry of the state, written
//! again when that entry has changed, and a head.
//!
//! # Contract
//!
//! - A *save* is the entries that have changed, then a head. It is valid once its head is complete.
//! - An entry has two slots, `a` and `b`, each a key of the topic; a save writes into the one that
//!   the previous save does not need. So whatever is written next, and whatever of it compaction
//!   keeps, the last valid save can be read.
//! - A record names its writer and the save in which it was written; a head names the saves of each
//!   writer that are valid. What a process that died left incomplete, or a zombie wrote late, is not
//!   valid for any other head.
//! - A head holds the number and a sum of its entries' identities. If one is missing or replaced, the
//!   head is not used; without a head the partition is computed from its first record: slow, and
//!   correct.
//!
//! # What it does not do
//!
//! It does not read, and does not know what the entries hold.

use event::TopicPartition;
use monitor::EntryId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod ledger;
mod reader;
mod writing;

pub(crate) use ledger::Ledger;
pub(crate) use reader::{Entries, Heads};
pub(crate) use writing::Writing;

/// Version of the format.
const FORMAT: u8 = 2;
/// Name of the head among the entries.
const HEAD: &[u8] = b"h";

/// Key and value of a record; without a value it is a tombstone.
pub(crate) type KeyValue = (Vec<u8>, Option<Vec<u8>>);

/// One of the two keys of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    A,
    B,
}

impl Slot {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::A => b'a',
            Self::B => b'b',
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        [Self::A, Self::B].into_iter().find(|slot| slot.byte() == byte)
    }
}

/// A save of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Save {
    writer: u64,
    /// From 1.
    number: u32,
}

/// Where the last version of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    save: Save,
    slot: Slot,
    /// Records that it takes; 0 for an entry that was deleted.
    pieces: u16,
}

/// Value of a record: a piece of an entry.
#[derive(Debug, Serialize, Deserialize)]
struct Piece<'a> {
    format: u8,
    save: Save,
    pieces: u16,
    check: [u8; 8],
    bytes: &'a [u8],
}

/// What a save covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Identity of the input topic; offsets of another incarnation mean nothing.
    pub(crate) topic_id: String,
    /// Offset of the first record that is not in the state.
    pub(crate) next_offset: i64,
    /// Offset in the partition of metrics before which every earlier output is.
    pub(crate) metrics_next: i64,
    /// The same for alerts.
    pub(crate) alerts_next: i64,
    /// The head of `monitor::Processor::take_changes`.
    pub(crate) state: Vec<u8>,
}

/// A head as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FullHead {
    head: Head,
    /// The last valid save of each writer whose entries may be in use.
    saves: Vec<Save>,
    entries: u64,
    sum: u128,
}

impl FullHead {
    fn counts(&self, save: Save) -> bool {
        let of_writer = self.saves.iter().find(|known| known.writer == save.writer);
        of_writer.is_some_and(|known| save.number <= known.number)
    }

    /// Writers follow each other, and each numbers its saves.
    fn rank_of(&self, save: Save) -> (Option<usize>, u32) {
        (self.saves.iter().position(|known| known.writer == save.writer), save.number)
    }
}

/// Prefix of the keys of a partition.
fn prefix_of(input: &TopicPartition) -> Vec<u8> {
    format!("processor/{}/{}/", input.topic, input.partition).into_bytes()
}

/// Identity of a version of an entry, for the sum.
fn identity_of(entry: EntryId, save: Save) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update(entry.to_bytes());
    hasher.update(save.writer.to_be_bytes());
    hasher.update(save.number.to_be_bytes());
    u128::from_be_bytes(first_bytes(hasher))
}

/// Digest of an entry, to notice damage and chunks that do not belong together.
fn check_of(name: &[u8], bytes: &[u8]) -> [u8; 8] {
    let mut hasher = Sha256::new();
    let Ok(length) = u8::try_from(name.len()) else {
        unreachable!("the name of an entry has {} bytes", name.len())
    };
    hasher.update([length]);
    hasher.update(name);
    hasher.update(bytes);
    first_bytes(hasher)
}

/// The first bytes of a digest.
fn first_bytes<const N: usize>(hasher: Sha256) -> [u8; N] {
    let digest: [u8; 32] = hasher.finalize().into();
    let Some(bytes) = digest.first_chunk() else { unreachable!("a digest has 32 bytes, not {N}") };
    *bytes
}

#[cfg(test)]
mod tests;
