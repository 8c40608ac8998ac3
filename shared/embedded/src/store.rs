//! Topics and chunks in the fjall store.
//!
//! Keyspaces: `topics` (name → partitions, compaction, first partition number, identity),
//! `chunks` (partition number and first offset → [`crate::chunk`]), `keys` (of compacted topics:
//! partition number and key → offset), `trims` (partition number → first offset held and newest
//! timestamp dropped).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use event::{BatchBuilder, TimestampType, TopicPartition};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use ports::local::has_room;
use ports::{LogError, OffsetRange, TopicSpec};

use crate::chunk;
use crate::options::Options;

/// Number of a partition, unique in the log.
type PartitionId = u32;

/// Size at which the store flushes a memtable, bytes.
const MEMTABLE_BYTES: u64 = 16 << 20;
/// Limit of the store's journal, bytes.
const JOURNAL_BYTES: u64 = 256 << 20;

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: [u8; 16],
    pub(crate) compacted: bool,
    /// Shared with the topic as it was before it grew.
    pub(crate) partitions: Vec<Arc<Partition>>,
    pub(crate) keyless: AtomicI32,
}

impl Topic {
    /// Number of partitions, at least 1.
    pub(crate) fn count(&self) -> i32 {
        let Ok(count) = i32::try_from(self.partitions.len()) else {
            unreachable!("a topic is created with an `i32` of partitions")
        };
        count
    }
}

/// Offsets of a partition. Written by the writer thread and `trim`, read by all.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) first: AtomicI64,
    pub(crate) next: AtomicI64,
    pub(crate) newest_ms: AtomicI64,
}

impl Partition {
    pub(crate) fn range(&self) -> OffsetRange {
        let first = self.first.load(Ordering::Acquire);
        OffsetRange { first, next: self.next.load(Ordering::Acquire) }
    }
}

/// The store, with the state of its topics in memory.
pub(crate) struct Store {
    database: Database,
    topics_space: Keyspace,
    pub(crate) chunks: Keyspace,
    pub(crate) keys: Keyspace,
    trims: Keyspace,
    persist: PersistMode,
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("topics", &self.topics).finish_non_exhaustive()
    }
}

pub(crate) fn chunk_key(partition: PartitionId, first_offset: i64) -> Vec<u8> {
    let mut key = partition.to_be_bytes().to_vec();
    key.extend_from_slice(&first_offset.to_be_bytes());
    key
}

pub(crate) fn compaction_key(partition: PartitionId, key: &[u8]) -> Vec<u8> {
    [&partition.to_be_bytes(), key].concat()
}

fn first_offset_of(key: &[u8]) -> Result<i64, LogError> {
    let offset = key.get(4..).and_then(|offset| offset.try_into().ok());
    offset.map(i64::from_be_bytes).ok_or_else(damaged)
}

pub(crate) fn fatal(error: &fjall::Error) -> LogError {
    LogError::Fatal(format!("embedded log: the store failed: {error:?}"))
}

pub(crate) fn damaged() -> LogError {
    LogError::Fatal("embedded log: the store is corrupt".to_owned())
}

impl Store {
    pub(crate) fn open(path: &std::path::Path, options: &Options) -> Result<Self, LogError> {
        let open = || -> Result<Self, fjall::Error> {
            let database = Database::builder(path)
                .cache_size(options.cache_bytes)
                .worker_threads(2)
                .max_journaling_size(JOURNAL_BYTES)
                .open()?;
            let space = |name: &str, separated: bool| {
                database.keyspace(name, || {
                    let separation = separated.then(KvSeparationOptions::default);
                    KeyspaceCreateOptions::default()
                        .max_memtable_size(MEMTABLE_BYTES)
                        .with_kv_separation(separation)
                })
            };
            Ok(Self {
                topics_space: space("topics", false)?,
                chunks: space("chunks", true)?,
                keys: space("keys", false)?,
                trims: space("trims", false)?,
                database,
                persist: if options.sync { PersistMode::SyncAll } else { PersistMode::Buffer },
                topics: RwLock::default(),
            })
        };
        let mut store = open().map_err(|error| fatal(&error))?;
        let topics = store.load()?;
        store.topics = RwLock::new(topics);
        Ok(store)
    }

    fn load(&self) -> Result<BTreeMap<Arc<str>, Arc<Topic>>, LogError> {
        let mut topics = BTreeMap::new();
        for entry in self.topics_space.iter() {
            let (name, facts) = entry.into_inner().map_err(|error| fatal(&error))?;
            let name = std::str::from_utf8(&name).map_err(|_| damaged())?;
            let facts = TopicFacts::decode(&facts).ok_or_else(damaged)?;
            topics.insert(Arc::from(name), Arc::new(self.topic_of(facts)?));
        }
        Ok(topics)
    }

    fn topic_of(&self, facts: TopicFacts) -> Result<Topic, LogError> {
        let mut partitions = Vec::new();
        for (base, count) in &facts.ranges {
            let end = base.checked_add(*count).ok_or_else(damaged)?;
            for id in *base..end {
                partitions.push(Arc::new(self.load_partition(id)?));
            }
        }
        if partitions.is_empty() || i32::try_from(partitions.len()).is_err() {
            return Err(damaged());
        }
        Ok(Topic {
            id: facts.id,
            compacted: facts.compacted,
            partitions,
            keyless: AtomicI32::new(0),
        })
    }

    fn load_partition(&self, id: PartitionId) -> Result<Partition, LogError> {
        let (mut first, mut newest_ms) = (0, i64::MIN);
        if let Some(trim) = self.trims.get(id.to_be_bytes()).map_err(|error| fatal(&error))? {
            let (offset, rest) = trim.split_first_chunk::<8>().ok_or_else(damaged)?;
            first = i64::from_be_bytes(*offset);
            newest_ms = i64::from_be_bytes(rest.try_into().map_err(|_| damaged())?);
        }
        let mut next = first;
        if let Some(last) = self.chunks.prefix(id.to_be_bytes()).next_back() {
            let (key, value) = last.into_inner().map_err(|error| fatal(&error))?;
            let records = chunk::records(&value).map_err(|_| damaged())?;
            let mut offset = first_offset_of(&key)?;
            for record in records {
                newest_ms = newest_ms.max(record.map_err(|_| damaged())?.timestamp_ms);
                offset += 1;
            }
            next = next.max(offset);
        }
        Ok(Partition {
            id,
            first: AtomicI64::new(first),
            next: AtomicI64::new(next),
            newest_ms: AtomicI64::new(newest_ms),
        })
    }

    /// Creates the topics that are missing; they are durable when it returns.
    pub(crate) fn create(&self, specs: &[TopicSpec]) -> Result<(), LogError> {
        specs.iter().try_for_each(TopicSpec::check)?;
        let mut topics = self.topics.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for spec in specs {
            if topics.contains_key(spec.name.as_str()) {
                continue;
            }
            let base = free_id(&topics)?;
            let mut id = [0; 16];
            getrandom::fill(&mut id)
                .map_err(|error| LogError::Fatal(format!("failed to get random bytes: {error}")))?;
            let Ok(partitions) = u32::try_from(spec.partitions) else {
                unreachable!("a checked topic has a positive number of partitions")
            };
            let ranges = vec![(base, partitions)];
            let facts = TopicFacts { compacted: spec.compacted, id, ranges };
            self.keep(&spec.name, &facts)?;
            topics.insert(Arc::from(spec.name.as_str()), Arc::new(self.topic_of(facts)?));
        }
        Ok(())
    }

    /// Makes the facts of a topic durable.
    fn keep(&self, name: &str, facts: &TopicFacts) -> Result<(), LogError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.topics_space, name.as_bytes(), facts.encode());
        batch.commit().map_err(|error| fatal(&error))
    }

    /// Adds partitions to a topic until it has so many; they are durable when it returns. Whether any
    /// was added.
    pub(crate) fn grow(&self, name: &str, partitions: i32) -> Result<bool, LogError> {
        let mut topics = self.topics.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let topic = topics.get(name).map(Arc::clone);
        let topic = topic.ok_or_else(|| LogError::UnknownPartition(name.to_owned()))?;
        let Some(more) =
            u32::try_from(partitions.saturating_sub(topic.count())).ok().filter(|more| *more > 0)
        else {
            return Ok(false);
        };
        let facts = self.topics_space.get(name).map_err(|error| fatal(&error))?;
        let mut facts = facts.and_then(|facts| TopicFacts::decode(&facts)).ok_or_else(damaged)?;
        let base = free_id(&topics)?;
        facts.ranges.push((base, more));
        let end = base.checked_add(more).ok_or_else(no_number_left)?;
        self.keep(name, &facts)?;
        let mut partitions = topic.partitions.clone();
        for id in base..end {
            partitions.push(Arc::new(self.load_partition(id)?));
        }
        let keyless = AtomicI32::new(topic.keyless.load(Ordering::Relaxed));
        let grown = Topic { id: topic.id, compacted: topic.compacted, partitions, keyless };
        topics.insert(Arc::from(name), Arc::new(grown));
        Ok(true)
    }

    pub(crate) fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        let topics = self.topics.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let topic = topics.get(name).map(Arc::clone);
        topic.ok_or_else(|| LogError::UnknownPartition(name.to_owned()))
    }

    /// All partitions, each with the offset after its last record.
    pub(crate) fn ends(&self) -> Vec<(TopicPartition, i64)> {
        let topics = self.topics.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ends = topics.iter().flat_map(|(name, topic)| {
            topic.partitions.iter().zip(0..).map(|(partition, number)| {
                (TopicPartition::new(Arc::clone(name), number), partition.range().next)
            })
        });
        ends.collect()
    }

    /// Calls `with` with the state of a partition.
    pub(crate) fn with_partition<T>(
        &self,
        partition: &TopicPartition,
        with: impl FnOnce(&Partition) -> T,
    ) -> Result<T, LogError> {
        let unknown = || LogError::UnknownPartition(partition.to_string());
        let topic = self.topic(&partition.topic).map_err(|_| unknown())?;
        let index = usize::try_from(partition.partition).map_err(|_| unknown())?;
        topic.partitions.get(index).map(|state| with(state)).ok_or_else(unknown)
    }

    pub(crate) fn batch(&self) -> fjall::OwnedWriteBatch {
        self.database.batch().durability(Some(self.persist))
    }

    /// Fills the batch from offset `from` on while there is room. Returns the offset to continue at.
    ///
    /// Only a compacted topic has offsets without a record; in others a gap means that the store has
    /// lost records.
    pub(crate) fn fetch(
        &self,
        id: PartitionId,
        compacted: bool,
        (from, next): (i64, i64),
        batch: &mut BatchBuilder,
    ) -> Result<i64, LogError> {
        // The chunk that contains `from` may begin before it.
        let before = chunk_key(id, 0)..=chunk_key(id, from);
        let start = match self.chunks.range(before).next_back() {
            Some(entry) => first_offset_of(&entry.key().map_err(|error| fatal(&error))?)?,
            None => from,
        };
        let mut expected = from;
        let lost = |expected: i64, found: i64| {
            LogError::Fatal(format!(
                "embedded log: the store lost records: partition {id}, offsets {expected} to {}",
                found - 1
            ))
        };
        // Later chunks are left to the next call.
        for entry in self.chunks.range(chunk_key(id, start)..chunk_key(id, next)) {
            let (key, value) = entry.into_inner().map_err(|error| fatal(&error))?;
            let records = chunk::records(&value).map_err(|_| damaged())?;
            for (offset, record) in (first_offset_of(&key)?..).zip(records) {
                let record = record.map_err(|_| damaged())?;
                if offset < from {
                    continue;
                }
                if offset > expected && !compacted {
                    return Err(lost(expected, offset));
                }
                expected = offset + 1;
                if !has_room(batch, record.size_bytes()) {
                    return Ok(offset);
                }
                batch.push(
                    offset,
                    record.timestamp_ms,
                    TimestampType::LogAppendTime,
                    record.key,
                    record.value,
                    record.headers().map(|(name, value)| (name.as_bytes(), value)),
                );
            }
        }
        if expected < next && !compacted {
            return Err(lost(expected, next));
        }
        Ok(next)
    }

    /// The offset up to which whole chunks end at or before `below` and hold only records of before
    /// `before_ms`.
    pub(crate) fn old(
        &self,
        partition: &Partition,
        below: i64,
        before_ms: i64,
    ) -> Result<i64, LogError> {
        let OffsetRange { first, next } = partition.range();
        let mut old = first;
        let chunks = chunk_key(partition.id, 0)..chunk_key(partition.id, below.min(next));
        for entry in self.chunks.range(chunks) {
            let (key, value) = entry.into_inner().map_err(|error| fatal(&error))?;
            let last = chunk::records(&value).map_err(|_| damaged())?.last();
            let Some(last) = last.transpose().map_err(|_| damaged())? else { continue };
            let count = chunk::count(&value).map_err(|_| damaged())?;
            let end = first_offset_of(&key)?.saturating_add(count.into());
            // Timestamps of a partition never decrease.
            if end > below || last.timestamp_ms >= before_ms {
                break;
            }
            old = end.max(first);
        }
        Ok(old)
    }

    /// Makes the records before `first` unreadable and deletes the chunks that hold no other.
    pub(crate) fn trim(&self, partition: &Partition, first: i64) -> Result<(), LogError> {
        /// Deletions per batch of the store.
        const STEP: usize = 1_000;
        let range = partition.range();
        let first = first.clamp(range.first, range.next);
        let newest_ms = partition.newest_ms.load(Ordering::Acquire);
        let mark = [first.to_be_bytes(), newest_ms.to_be_bytes()].concat();
        let mut batch = self.batch();
        batch.insert(&self.trims, partition.id.to_be_bytes(), mark);
        batch.commit().map_err(|error| fatal(&error))?;
        partition.first.store(first, Ordering::Release);

        let id = partition.id;
        let mut keys = Vec::new();
        let chunks = self.chunks.range(chunk_key(id, 0)..chunk_key(id, first));
        for entry in chunks {
            keys.push(entry.key().map_err(|error| fatal(&error))?);
        }
        // The last one may extend beyond `first`, and determines the end of the partition.
        keys.pop();
        for step in keys.chunks(STEP) {
            let mut batch = self.batch();
            for key in step {
                batch.remove(&self.chunks, key.clone());
            }
            batch.commit().map_err(|error| fatal(&error))?;
        }
        Ok(())
    }
}

fn no_number_left() -> LogError {
    LogError::Fatal("embedded log: no partition number is left".to_owned())
}

/// The first partition number behind all that are used.
fn free_id(topics: &BTreeMap<Arc<str>, Arc<Topic>>) -> Result<PartitionId, LogError> {
    let used = topics.values().flat_map(|topic| &topic.partitions);
    match used.map(|partition| partition.id).max() {
        None => Ok(0),
        Some(last) => last.checked_add(1).ok_or_else(no_number_left),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicFacts {
    compacted: bool,
    id: [u8; 16],
    /// First partition number and how many follow it: those of the creation, then of each growth.
    ranges: Vec<(PartitionId, u32)>,
}

impl TopicFacts {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.compacted)];
        bytes.extend_from_slice(&self.id);
        for (base, count) in &self.ranges {
            bytes.extend_from_slice(&base.to_be_bytes());
            bytes.extend_from_slice(&count.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (compacted, rest) = bytes.split_first()?;
        let (id, mut rest) = rest.split_first_chunk()?;
        let mut ranges = Vec::new();
        while !rest.is_empty() {
            let (base, after) = rest.split_first_chunk()?;
            let (count, after) = after.split_first_chunk()?;
            ranges.push((u32::from_be_bytes(*base), u32::from_be_bytes(*count)));
            rest = after;
        }
        Some(Self {
            compacted: match compacted {
                0 => false,
                1 => true,
                _ => return None,
            },
            id: *id,
            ranges,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_is_missing_is_an_error_and_no_gap() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::new(directory.path(), || 0);
        let store = Store::open(directory.path(), &options).unwrap();
        let spec = TopicSpec { name: "t".into(), partitions: 1, compacted: false, kept: false };
        store.create(std::slice::from_ref(&spec)).unwrap();
        let chunk = || {
            let mut builder = chunk::ChunkBuilder::new();
            builder.push(&ports::Outgoing::default(), 1);
            builder.build()
        };
        for offset in 0..3 {
            store.chunks.insert(chunk_key(0, offset), chunk()).unwrap();
        }
        let fetch = |from, compacted| {
            let mut batch = BatchBuilder::new(TopicPartition::new("t", 0));
            store.fetch(0, compacted, (from, 3), &mut batch).map(|next| (next, batch.len()))
        };
        assert_eq!(fetch(0, false), Ok((3, 3)));
        for lost in 0..3 {
            store.chunks.remove(chunk_key(0, lost)).unwrap();
            let error = fetch(0, false).unwrap_err().to_string();
            assert!(error.contains(&format!("offsets {lost} to {lost}")), "{error}");
            assert_eq!(fetch(0, true), Ok((3, 2)), "compaction leaves gaps");
            store.chunks.insert(chunk_key(0, lost), chunk()).unwrap();
        }
    }

    #[test]
    fn the_facts_of_a_topic_come_back() {
        let facts = TopicFacts { compacted: true, id: [9; 16], ranges: vec![(7, 12), (40, 3)] };
        assert_eq!(TopicFacts::decode(&facts.encode()), Some(facts.clone()));
        assert_eq!(TopicFacts::decode(&facts.encode()[1..]), None);
        assert_eq!(TopicFacts::decode(&facts.encode()[..30]), None);
        let mut damaged = facts.encode();
        damaged[0] = 2;
        assert_eq!(TopicFacts::decode(&damaged), None);
    }
}
