//! The event log port.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, Event, TopicPartition, encode};
use thiserror::Error;

use crate::LogError;
use crate::settings::TopicSettings;

/// Initial capacity of an encoded event, bytes; most events fit.
const EVENT_BYTES: usize = 512;

/// An offset in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset.
    pub offset: i64,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Number of partitions, at least 1.
    pub partitions: i32,
    /// Log compaction: only the newest record of each key is kept.
    pub compacted: bool,
    /// Its records are never deleted, whatever the log's default.
    pub kept: bool,
}

impl TopicSpec {
    /// Checks number of partitions and name. The rule for names is Kafka's, for every log, so that a
    /// topic can move there.
    ///
    /// # Errors
    ///
    /// [`LogError::Fatal`].
    pub fn check(&self) -> Result<(), LogError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let name = &self.name;
        if !(1..=249).contains(&name.len())
            || !name.bytes().all(is_allowed)
            || [".", ".."].contains(&name.as_str())
        {
            return Err(LogError::Fatal(format!(
                "invalid topic name `{name}`: must be 1 to 249 of letters, digits, `.`, `_` and \
                 `-`, other than `.` and `..`"
            )));
        }
        if self.partitions < 1 {
            return Err(LogError::Fatal(format!(
                "invalid number of partitions of topic `{name}`, {}: must be at least 1",
                self.partitions
            )));
        }
        Ok(())
    }
}

/// The offsets that a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// First offset held.
    pub first: i64,
    /// Offset after the last record.
    pub next: i64,
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition; `None` lets the key decide ([`crate::partition_of`]).
    pub partition: Option<i32>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Outgoing {
    /// A record whose value is an event in Avro single-object encoding, for what comes in numbers:
    /// events of agents, metrics. A build reads the schemas of earlier builds, and of a later one when
    /// its partition has said what it is. It has neither key nor partition; as it is, the log chooses
    /// the partition.
    #[must_use]
    pub fn event(topic: impl Into<Arc<str>>, event: &Event<'_>) -> Self {
        let mut value = Vec::with_capacity(EVENT_BYTES);
        encode::encode(event, &mut value);
        Self { topic: topic.into(), value: Some(value), ..Self::default() }
    }

    /// As [`Self::event`], as JSON, for what others act upon: alerts, acts, what a role says of a
    /// partition. Every build reads it, also an earlier one. An event with a value that JSON cannot
    /// write (a double that is not finite) is written as Avro.
    #[must_use]
    pub fn event_as_json(topic: impl Into<Arc<str>>, event: &Event<'_>) -> Self {
        match event::encode_json(event) {
            Some(value) => Self { topic: topic.into(), value: Some(value), ..Self::default() },
            None => Self::event(topic, event),
        }
    }

    /// Sets the key. An empty key counts as none, so that records without an owner are spread over
    /// all partitions instead of collecting in one.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into()).filter(|key| !key.is_empty());
        self
    }

    /// Sets the partition, which overrides the key.
    #[must_use]
    pub const fn in_partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }
}

/// The publish queue is full. Nothing was queued: the records are returned, for the caller to retry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("publish queue is full: {waiting} records await acknowledgement")]
pub struct QueueFull {
    /// The records of the rejected call, unchanged and in order.
    pub records: Vec<Outgoing>,
    /// Records that await acknowledgement.
    pub waiting: usize,
}

impl From<QueueFull> for LogError {
    /// For callers that do not retry; drops the records.
    fn from(full: QueueFull) -> Self {
        Self::QueueFull { waiting: full.waiting }
    }
}

/// The outcome of each record of one call, in the order given: its position or its error.
pub type Published = Vec<Result<Position, LogError>>;

/// Called exactly once, on any thread, when every record of one call has been acknowledged or has
/// failed. It must not block.
pub type Delivery = Box<dyn FnOnce(Published) + Send>;

/// Publishes records.
pub trait Producer: Send + Sync + Debug {
    /// Queues records for publication. Records of one call with the same key are appended in order.
    /// An acknowledged record survives a crash of this process (and, if the log is configured so, a
    /// power failure). If an outcome is unknown, a retry may append a record twice.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] returns the records; nothing was queued, and `done` is dropped uncalled. When
    /// nothing is in flight a call is always accepted, whatever its size. All other failures are
    /// reported through `done`.
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), QueueFull>;

    /// Records queued and not yet acknowledged.
    fn in_flight(&self) -> usize;
}

/// Which partitions a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// The partitions of the topics that the group assigns to this member.
    Group {
        /// Group name.
        group: String,
        /// Topics.
        topics: Vec<String>,
    },
    /// Exactly these partitions, without a group; the first poll reports them as assigned.
    Partitions(Vec<TopicPartition>),
}

/// The result of a poll.
#[derive(Debug)]
pub enum Polled {
    /// Nothing happened within the wait.
    Idle,
    /// These partitions were assigned to this consumer; [`Consumer::seek`] each to start it.
    Assigned(Vec<TopicPartition>),
    /// These partitions were revoked: none of their records is delivered any more, and work on them
    /// that is not durable yet must be dropped.
    Revoked(Vec<TopicPartition>),
    /// Records of one partition: at least one, and contiguous with the previous batch except for
    /// offsets without a record.
    Batch(Batch),
}

/// Reads records. Owned by one thread.
pub trait Consumer: Send + Debug {
    /// Waits up to `wait` for records or a change of the assignment. A batch holds at most about
    /// 1 MiB or 4,096 records; a larger record is a batch of its own.
    ///
    /// # Errors
    ///
    /// `OutOfRange` if the log no longer holds the offset of a partition (records are never skipped
    /// silently); that partition then pauses until the next seek, the others continue.
    /// `Unavailable`, `Fatal`.
    fn poll(&mut self, wait: Duration) -> Result<Polled, LogError>;

    /// Sets the offset of an assigned partition and starts its delivery. The next batch begins at
    /// that offset or, if it has no record, at the next offset that has one.
    ///
    /// # Errors
    ///
    /// `OutOfRange`, `UnknownPartition` if the partition is not assigned, `Unavailable`, `Fatal`.
    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError>;

    /// Pauses (`true`) or resumes (`false`) delivery of an assigned partition, for backpressure.
    ///
    /// # Errors
    ///
    /// `UnknownPartition` if the partition is not assigned, `Unavailable`, `Fatal`.
    fn pause(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), LogError>;

    /// Offset below which no record of the partition remains to be delivered, as far as is known. It is
    /// beyond the last record delivered where offsets without a record follow: the end of a partition
    /// is not always its last record plus one. `None` if the partition is not assigned and sought, or
    /// while records wait for delivery.
    fn passed(&self, partition: &TopicPartition) -> Option<i64>;

    /// The partitions whose delivery waits for an open transaction of some application, each with the
    /// offset where that begins.
    fn blocked(&self) -> Vec<Position>;

    /// Commits offsets to the group. Advisory.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn commit(&mut self, positions: &[Position]) -> Result<(), LogError>;

    /// Partitions of the subscription that no member of the group has; `None` if the log cannot tell now,
    /// as during a rebalance, or at all. Costs requests to the log.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn unowned(&mut self) -> Result<Option<BTreeSet<TopicPartition>>, LogError>;
}

/// A partitioned, ordered log.
pub trait EventLog: Send + Sync + Debug {
    /// Creates the topics that are missing; existing ones are left unchanged.
    ///
    /// # Errors
    ///
    /// `Fatal` if [`TopicSpec::check`] rejects a topic, before any is created. `Unavailable`,
    /// `Fatal`.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError>;

    /// Adds partitions to a topic until it has so many; takes none away. Says whether it added any.
    /// Consumers of the topic are assigned the new ones by and by.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal` (also without the permission).
    fn grow_topic(&self, topic: &str, partitions: i32) -> Result<bool, LogError>;

    /// Identity of the cluster that holds the log; unique to it.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn cluster_id(&self) -> Result<String, LogError>;

    /// Number of partitions of a topic.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn partitions(&self, topic: &str) -> Result<i32, LogError>;

    /// Identity of a topic, as the log's own tools print it. It changes when the topic is deleted and
    /// created again, which restarts its offsets. Derived from the name where the log has no topic
    /// identities.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn topic_id(&self, topic: &str) -> Result<String, LogError>;

    /// Settings of a topic; `None` if we may not read them.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn topic_settings(&self, topic: &str) -> Result<Option<TopicSettings>, LogError>;

    /// The offsets that a partition holds now.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn offsets(&self, partition: &TopicPartition) -> Result<OffsetRange, LogError>;

    /// The producer of this log; cheap to clone.
    fn producer(&self) -> Arc<dyn Producer>;

    /// A new consumer.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn consumer(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, LogError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_a_name_that_kafka_accepts_and_a_partition() {
        let check = |name: &str, partitions| {
            TopicSpec { name: name.to_owned(), partitions, compacted: false, kept: false }.check()
        };
        for good in ["agent.events", "a", "A_b-9", "...", &"x".repeat(249)] {
            assert_eq!(check(good, 1), Ok(()));
        }
        for bad in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
            assert!(check(bad, 1).is_err(), "{bad}");
        }
        for partitions in [0, -1, i32::MIN] {
            assert!(check("a", partitions).is_err(), "{partitions}");
        }
    }
}
