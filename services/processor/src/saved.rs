//! Snapshots of a partition as records of a compacted topic: one for each entry of the state,
//! written again when the entry has changed, and a head.
//!
//! # Contract
//!
//! - A *save* consists of the entries that have changed, then a head. It is valid once its head is
//!   complete.
//! - An entry has two slots, `a` and `b`, each a key of the topic; a save writes into the one that
//!   the previous save does not need. So the last valid save can be read, whatever is written next
//!   and whatever compaction removes.
//! - A record names its writer and its save; a head lists the valid saves of each writer. Records
//!   that a process left behind when it died, or that a zombie wrote late, are not valid for other
//!   heads.
//! - A head contains the number of its entries and a sum of their identities. If an entry is
//!   missing or replaced, the head is not used; without a head the partition is computed from its
//!   first record, which is slow but correct.
//!
//! # What it does not do
//!
//! It does not read from the log, and does not interpret the entries.

use event::TopicPartition;
use governance::Installation;
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
const FORMAT: u8 = 4;
/// Name of the head, in place of that of an entry.
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

/// Where the last version of an entry is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    save: Save,
    slot: Slot,
    /// Number of its records; 0 for a deleted entry.
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

/// How the last record of a state is recognized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRecord {
    /// Id of the key that made the mark; with another key it cannot be compared.
    pub(crate) key_id: String,
    /// See [`ports::mark`].
    pub(crate) mark: [u8; 32],
}

/// The head of a save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Identity of the input topic; offsets are meaningless for another incarnation.
    pub(crate) topic_id: String,
    /// Offset of the first record that is not in the state.
    pub(crate) next_offset: i64,
    /// The record before it; `None` if nothing was read.
    pub(crate) last_record: Option<LastRecord>,
    /// Offset, in the partition of metrics, from which on outputs are not covered.
    pub(crate) metrics_next: i64,
    /// The same for alerts.
    pub(crate) alerts_next: i64,
    /// Fingerprint of the schema that the outputs before it are written with.
    pub(crate) fingerprint: u64,
    /// First record of a state that began without records, as long as the partition does not know it.
    pub(crate) begins_at: Option<i64>,
    /// The head of `monitor::Processor::take_changes`.
    pub(crate) state: Vec<u8>,
}

/// A head as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FullHead {
    head: Head,
    /// The last valid save of each writer with entries in use.
    saves: Vec<Save>,
    entries: u64,
    sum: u128,
}

impl FullHead {
    /// Whether a save is valid for this head.
    fn covers(&self, save: Save) -> bool {
        let of_writer = self.saves.iter().find(|known| known.writer == save.writer);
        of_writer.is_some_and(|known| save.number <= known.number)
    }

    /// Order of valid saves: writers follow each other, and each numbers its saves.
    fn rank_of(&self, save: Save) -> (Option<usize>, u32) {
        (self.saves.iter().position(|known| known.writer == save.writer), save.number)
    }
}

/// Prefix of the keys of a partition. Installations that share a topic of state have different ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyspace(Vec<u8>);

impl Keyspace {
    /// That of an installation for a partition.
    pub(crate) fn new(installation: &Installation, input: &TopicPartition) -> Self {
        let (tag, TopicPartition { topic, partition }) = (installation.tag(), input);
        Self(format!("processor/{tag}/{topic}/{partition}/").into_bytes())
    }
}

/// Identity of a version of an entry, as a term of the sum.
fn identity_of(entry: EntryId, save: Save) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update(entry.to_bytes());
    hasher.update(save.writer.to_be_bytes());
    hasher.update(save.number.to_be_bytes());
    u128::from_be_bytes(first_bytes(hasher))
}

/// Digest of an entry, to detect damage and pieces that do not belong together.
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
