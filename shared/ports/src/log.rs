//! The event log port.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, Event, TopicPartition, encode};

use crate::LogError;

/// What most events fit into.
const EVENT_BYTES: usize = 512;

/// Offset in a partition.
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
    /// Whether only the newest record of each key need be kept.
    pub compacted: bool,
}

/// What a partition holds.
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
    /// A record whose value is an event, in the encoding of every event that we write (Avro single
    /// object). It has no key and no partition yet; without either, the log chooses one.
    #[must_use]
    pub fn event(topic: impl Into<Arc<str>>, event: &Event<'_>) -> Self {
        let mut value = Vec::with_capacity(EVENT_BYTES);
        encode::encode(event, &mut value);
        Self { topic: topic.into(), value: Some(value), ..Self::default() }
    }

    /// The same record with a key; an empty one is none, so that no partition collects what
    /// belongs to nobody.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into()).filter(|key| !key.is_empty());
        self
    }

    /// The same record for that partition, whatever its key.
    #[must_use]
    pub const fn in_partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }
}

/// Where each record of one call landed, in the order given; a record's own error if it failed.
pub type Published = Vec<Result<Position, LogError>>;

/// Called exactly once, from any thread, when every record of one call has been acknowledged or
/// has failed. It must not block.
pub type Delivery = Box<dyn FnOnce(Published) + Send>;

/// Publishes records.
pub trait Producer: Send + Sync + Debug {
    /// Queues records for publication. Records of one call with the same key arrive in order.
    /// An acknowledged record survives the death of this process (and, where the log is so
    /// configured, power loss). A record may arrive twice after an unknown outcome.
    ///
    /// # Errors
    ///
    /// [`LogError::QueueFull`] without queuing anything and without calling `done`; every later
    /// failure is reported through `done`.
    fn publish(&self, records: Vec<Outgoing>, done: Delivery) -> Result<(), LogError>;

    /// Records queued and not yet acknowledged.
    fn in_flight(&self) -> usize;
}

/// Which partitions a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// The share that the group gives this member, of all partitions of the topics.
    Group {
        /// Group name.
        group: String,
        /// Topics.
        topics: Vec<String>,
    },
    /// Exactly these partitions; they are reported as assigned by the first poll.
    Partitions(Vec<TopicPartition>),
}

/// What a poll brought.
#[derive(Debug)]
pub enum Polled {
    /// Nothing within the wait.
    Idle,
    /// These partitions are ours from now on; [`Consumer::seek`] each to start it.
    Assigned(Vec<TopicPartition>),
    /// These partitions are no longer ours; nothing more of them is delivered, and what was not
    /// made true yet must be dropped.
    Revoked(Vec<TopicPartition>),
    /// Records of one partition, never empty, contiguous with the batch before except for offsets
    /// that hold no record.
    Batch(Batch),
}

/// Reads records. Belongs to one thread.
pub trait Consumer: Send + Debug {
    /// Waits up to `wait` for something to happen. A batch holds at most about 1 MiB or 4,096
    /// records, except that one larger record makes a batch of its own.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when a position is no longer held (never skipped silently); that partition
    /// then stands still until it is sought again, the others go on. `Unavailable`, `Fatal`.
    fn poll(&mut self, wait: Duration) -> Result<Polled, LogError>;

    /// Starts, or continues, an assigned partition at an offset. The next batch of the partition
    /// begins at that offset or, where it holds no record, at the next that does.
    ///
    /// # Errors
    ///
    /// `OutOfRange`, `UnknownPartition` if the partition is not assigned, `Unavailable`, `Fatal`.
    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError>;

    /// Stops (`true`) or continues (`false`) delivery from an assigned partition: backpressure.
    ///
    /// # Errors
    ///
    /// `UnknownPartition` if the partition is not assigned, `Unavailable`, `Fatal`.
    fn pause(&mut self, partition: &TopicPartition, paused: bool) -> Result<(), LogError>;

    /// Tells the log how far we are. Advisory.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn commit(&mut self, positions: &[Position]) -> Result<(), LogError>;
}

/// A partitioned, ordered log.
pub trait EventLog: Send + Sync + Debug {
    /// Creates the topics that do not exist yet; an existing one is left as it is.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Fatal`.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError>;

    /// Identity of the cluster that holds the log: never that of another one.
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

    /// Identity of a topic: changes when a topic is deleted and created again, after which
    /// offsets restart. UUID text, or the name where the log has no identity for topics.
    ///
    /// # Errors
    ///
    /// `UnknownPartition`, `Unavailable`, `Fatal`.
    fn topic_id(&self, topic: &str) -> Result<String, LogError>;

    /// What a partition holds now.
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
