//! Snapshots as records of a compacted topic.
//!
//! A snapshot is cut into chunks. Chunks of one snapshot have the keys of one *slot*, `a` or `b`;
//! the next snapshot takes the other slot. So while a snapshot is being written, compaction can
//! remove chunks of the one before the last, never of the last complete one. Every chunk carries
//! the digest of the whole, so chunks of different snapshots never make one together.

use std::collections::BTreeMap;

use event::Record;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the chunk format.
const FORMAT: u8 = 1;

/// Which of the two sets of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Slot {
    A,
    B,
}

impl Slot {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// What is saved of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Identity of the input topic; offsets of another incarnation mean nothing.
    pub(crate) topic_id: String,
    /// Offset of the first record that is not in the state.
    pub(crate) next_offset: i64,
    /// Offset in the partition of metrics before which every earlier output is.
    pub(crate) metrics_next: i64,
    /// The same for alerts.
    pub(crate) alerts_next: i64,
    /// `monitor::Processor::snapshot`.
    pub(crate) state: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Chunk<'a> {
    format: u8,
    slot: Slot,
    next_offset: i64,
    index: u32,
    count: u32,
    digest: [u8; 32],
    bytes: &'a [u8],
}

/// Key and value of a record.
pub(crate) type KeyValue = (Vec<u8>, Vec<u8>);

/// Key and value of each record that makes the snapshot.
pub(crate) fn chunks(
    saved: &Saved,
    slot: Slot,
    input: &str,
    partition: i32,
    chunk_bytes_max: usize,
) -> Result<Vec<KeyValue>, postcard::Error> {
    let whole = postcard::to_stdvec(saved)?;
    let digest = Sha256::digest(&whole).into();
    let pieces = whole.chunks(chunk_bytes_max.max(1));
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    (0..count)
        .zip(pieces)
        .map(|(index, bytes)| {
            let next_offset = saved.next_offset;
            let chunk = Chunk { format: FORMAT, slot, next_offset, index, count, digest, bytes };
            let key = format!("processor/{input}/{partition}/{}/{index}", slot.name());
            Ok((key.into_bytes(), postcard::to_stdvec(&chunk)?))
        })
        .collect()
}

#[derive(Debug)]
struct Parts {
    slot: Slot,
    count: u32,
    bytes: BTreeMap<u32, Vec<u8>>,
}

/// Puts snapshots together again. Holds the chunks it is shown; older snapshots are dropped when
/// two newer ones are complete.
#[derive(Debug)]
pub(crate) struct Assembly {
    prefix: String,
    found: BTreeMap<(i64, [u8; 32]), Parts>,
}

impl Assembly {
    pub(crate) fn new(input: &str, partition: i32) -> Self {
        Self { prefix: format!("processor/{input}/{partition}/"), found: BTreeMap::new() }
    }

    /// Takes a record of the state topic; ignores what is not a chunk of this partition.
    pub(crate) fn take(&mut self, record: &Record<'_>) {
        if !record.key.is_some_and(|key| key.starts_with(self.prefix.as_bytes())) {
            return;
        }
        let chunk: Option<Chunk<'_>> =
            record.value.and_then(|value| postcard::from_bytes(value).ok());
        let Some(chunk) = chunk.filter(|chunk| chunk.format == FORMAT) else { return };
        let parts = self.found.entry((chunk.next_offset, chunk.digest)).or_insert(Parts {
            slot: chunk.slot,
            count: chunk.count,
            bytes: BTreeMap::new(),
        });
        parts.bytes.insert(chunk.index, chunk.bytes.to_vec());
        if parts.is_complete() {
            let complete = self.found.iter().rev().filter(|(_, parts)| parts.is_complete());
            if let Some(key) = complete.map(|(key, _)| *key).nth(1) {
                self.found = self.found.split_off(&key);
            }
        }
    }

    /// The complete snapshots, newest first, each with its slot.
    pub(crate) fn complete(self) -> Vec<(Slot, Saved)> {
        self.found
            .into_iter()
            .rev()
            .filter(|(_, parts)| parts.is_complete())
            .filter_map(|((_, digest), parts)| {
                let slot = parts.slot;
                let whole = parts.bytes.into_values().collect::<Vec<_>>().concat();
                let matches = <[u8; 32]>::from(Sha256::digest(&whole)) == digest;
                matches.then(|| postcard::from_bytes(&whole).ok()).flatten().map(|s| (slot, s))
            })
            .collect()
    }
}

impl Parts {
    fn is_complete(&self) -> bool {
        self.bytes.len() == usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{BatchBuilder, TimestampType, TopicPartition};

    fn saved(next_offset: i64) -> Saved {
        let state = (0..5_000_u32).flat_map(u32::to_be_bytes).collect();
        let topic_id = "t".to_owned();
        Saved { topic_id, next_offset, metrics_next: 1, alerts_next: 2, state }
    }

    fn assemble(records: &[KeyValue]) -> Vec<(Slot, Saved)> {
        let mut batch = BatchBuilder::new(TopicPartition::new("state", 0));
        for (offset, (key, value)) in (0..).zip(records) {
            let kind = TimestampType::None;
            batch.push(offset, 0, kind, Some(key), Some(value), std::iter::empty());
        }
        let mut assembly = Assembly::new("t", 0);
        batch.build().records().for_each(|record| assembly.take(&record));
        assembly.complete()
    }

    fn compacted(records: &[KeyValue]) -> Vec<KeyValue> {
        let newest: BTreeMap<_, _> = records.iter().cloned().collect();
        newest.into_iter().collect()
    }

    #[test]
    fn a_snapshot_survives_its_chunks() {
        let records = chunks(&saved(7), Slot::A, "t", 0, 1_000).unwrap();
        assert!(records.len() > 10 && records.iter().all(|(_, value)| value.len() < 1_100));
        assert_eq!(assemble(&records), [(Slot::A, saved(7))]);
        assert_eq!(assemble(&records[1..]), []);
        let other = chunks(&saved(9), Slot::B, "t", 1, 1_000).unwrap();
        assert_eq!(assemble(&other), []);
    }

    #[test]
    fn whatever_is_written_next_and_compacted_the_last_complete_one_stays() {
        let mut log = chunks(&saved(1), Slot::A, "t", 0, 1_000).unwrap();
        log.extend(chunks(&saved(2), Slot::B, "t", 0, 1_000).unwrap());
        let third = chunks(&saved(3), Slot::A, "t", 0, 1_000).unwrap();
        for written in 0..third.len() {
            let mut log = log.clone();
            log.extend_from_slice(&third[..written]);
            for log in [compacted(&log), log] {
                assert_eq!(assemble(&log).first(), Some(&(Slot::B, saved(2))), "{written}");
            }
        }
        log.extend(third);
        assert_eq!(assemble(&compacted(&log)).first(), Some(&(Slot::A, saved(3))));
    }

    #[test]
    fn a_damaged_snapshot_is_not_one() {
        let mut records = chunks(&saved(7), Slot::A, "t", 0, 1_000).unwrap();
        let at = records[0].1.len() - 1;
        records[0].1[at] ^= 1;
        assert_eq!(assemble(&records), []);
    }
}
