//! Topics, partitions and records in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use event::{BatchBuilder, TimestampType, TopicPartition};
use ports::local::has_room;
use ports::{LogError, OffsetRange, Outgoing, TopicSpec, partition_of, settings};

#[derive(Debug)]
pub(crate) struct StoredRecord {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    records: VecDeque<StoredRecord>,
    first: i64,
    pub(crate) next: i64,
    newest_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: u64,
    /// Settings by name.
    pub(crate) settings: BTreeMap<String, String>,
    /// Nobody may read the settings.
    pub(crate) is_secret: bool,
    pub(crate) partitions: Vec<Partition>,
    keyless: i32,
}

impl Topic {
    /// Number of partitions, at least 1.
    pub(crate) fn count(&self) -> i32 {
        let Ok(count) = i32::try_from(self.partitions.len()) else {
            unreachable!("a topic is created with an `i32` of partitions")
        };
        count
    }

    /// Adds partitions until there are so many; whether any was added.
    pub(crate) fn grow(&mut self, partitions: i32) -> bool {
        let before = self.count();
        self.partitions.extend((before..partitions).map(|_| Partition::default()));
        self.count() > before
    }
}

/// All topics of the log.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) topics: BTreeMap<Arc<str>, Topic>,
    created: u64,
}

/// Size of a record against the limit, bytes.
pub(crate) fn size_bytes(record: &Outgoing) -> usize {
    let headers: usize = record
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len))
        .sum();
    record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len) + headers
}

/// Settings of a new topic.
fn settings_of(spec: &TopicSpec) -> BTreeMap<String, String> {
    let week = if spec.kept { "-1" } else { "604800000" };
    let values = [
        (settings::TIMESTAMP_TYPE, "LogAppendTime"),
        (settings::CLEANUP_POLICY, if spec.compacted { "compact" } else { "delete" }),
        (settings::RETENTION_MS, week),
        (settings::RETENTION_BYTES, "-1"),
    ];
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

impl Store {
    pub(crate) fn create(&mut self, spec: &TopicSpec) {
        if self.topics.contains_key(spec.name.as_str()) {
            return;
        }
        self.created += 1;
        let topic = Topic {
            id: self.created,
            settings: settings_of(spec),
            is_secret: false,
            partitions: (0..spec.partitions).map(|_| Partition::default()).collect(),
            keyless: 0,
        };
        self.topics.insert(Arc::from(spec.name.as_str()), topic);
    }

    pub(crate) fn topic_mut(&mut self, name: &str) -> Result<&mut Topic, LogError> {
        self.topics.get_mut(name).ok_or_else(|| LogError::UnknownPartition(name.to_owned()))
    }

    pub(crate) fn topic(&self, name: &str) -> Result<&Topic, LogError> {
        self.topics.get(name).ok_or_else(|| LogError::UnknownPartition(name.to_owned()))
    }

    pub(crate) fn partition(&self, partition: &TopicPartition) -> Result<&Partition, LogError> {
        let index = usize::try_from(partition.partition).ok();
        self.topics
            .get(&partition.topic)
            .and_then(|topic| topic.partitions.get(index?))
            .ok_or_else(|| LogError::UnknownPartition(partition.to_string()))
    }

    pub(crate) fn partition_mut(
        &mut self,
        partition: &TopicPartition,
    ) -> Result<&mut Partition, LogError> {
        let index = usize::try_from(partition.partition).ok();
        self.topics
            .get_mut(&partition.topic)
            .and_then(|topic| topic.partitions.get_mut(index?))
            .ok_or_else(|| LogError::UnknownPartition(partition.to_string()))
    }

    /// The partition of a record: as it specifies, else by its key, else round-robin.
    pub(crate) fn route(&mut self, record: &Outgoing) -> Result<TopicPartition, LogError> {
        let topic = self
            .topics
            .get_mut(&record.topic)
            .ok_or_else(|| LogError::UnknownPartition(record.topic.to_string()))?;
        let number = match (record.partition, &record.key) {
            (Some(number), _) => number,
            (None, Some(key)) => partition_of(key, topic.count()),
            (None, None) => {
                let turn = topic.keyless % topic.count();
                topic.keyless = turn + 1;
                turn
            }
        };
        let partition = TopicPartition::new(Arc::clone(&record.topic), number);
        self.partition(&partition)?;
        Ok(partition)
    }
}

impl Partition {
    /// Appends a record stamped with the log's clock, or the newest timestamp if that is later.
    /// Returns its offset.
    pub(crate) fn append(&mut self, record: Outgoing, now_ms: i64) -> i64 {
        self.newest_ms = self.newest_ms.max(now_ms);
        let timestamp = (self.newest_ms, TimestampType::LogAppendTime);
        self.append_at(record, timestamp)
    }

    /// Appends a record with exactly this timestamp. Returns its offset.
    pub(crate) fn append_at(&mut self, record: Outgoing, timestamp: (i64, TimestampType)) -> i64 {
        let offset = self.next;
        self.next += 1;
        self.records.push_back(StoredRecord {
            offset,
            timestamp_ms: timestamp.0,
            timestamp_type: timestamp.1,
            key: record.key,
            value: record.value,
            headers: record.headers,
        });
        offset
    }

    pub(crate) fn skip(&mut self, offsets: i64) {
        assert!(offsets >= 0, "offsets never go back");
        self.next += offsets;
    }

    pub(crate) fn trim(&mut self, first: i64) {
        self.first = first.clamp(self.first, self.next);
        while self.records.front().is_some_and(|record| record.offset < self.first) {
            self.records.pop_front();
        }
    }

    pub(crate) fn lose_end(&mut self, records: i64) {
        self.next = (self.next - records).max(self.first);
        self.records.retain(|record| record.offset < self.next);
    }

    pub(crate) const fn range(&self) -> OffsetRange {
        OffsetRange { first: self.first, next: self.next }
    }

    /// Records from this offset on.
    pub(crate) fn from(&self, offset: i64) -> impl Iterator<Item = &StoredRecord> {
        let start = self.records.partition_point(|record| record.offset < offset);
        self.records.range(start..)
    }

    /// Fills the batch while there is room; returns the offset to continue at.
    pub(crate) fn fetch(&self, from: i64, batch: &mut BatchBuilder) -> i64 {
        for record in self.from(from) {
            let headers: usize = record
                .headers
                .iter()
                .map(|(name, value)| 6 + name.len() + value.as_ref().map_or(0, Vec::len))
                .sum();
            let size = record.key.as_ref().map_or(0, Vec::len)
                + record.value.as_ref().map_or(0, Vec::len)
                + headers;
            if !has_room(batch, size) {
                return record.offset;
            }
            push(batch, record);
        }
        self.next
    }
}

pub(crate) fn push(batch: &mut BatchBuilder, record: &StoredRecord) {
    batch.push(
        record.offset,
        record.timestamp_ms,
        record.timestamp_type,
        record.key.as_deref(),
        record.value.as_deref(),
        record.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_deref())),
    );
}
