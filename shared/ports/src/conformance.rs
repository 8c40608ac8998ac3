//! The suites that define the event log port. Every adapter's tests run [`ALL`]; a durable one
//! also runs [`survives_reopening`].
//!
//! A suite panics with what it expected. It makes its own topics, so that many suites and many
//! runs may share one log, and it waits by polling with a deadline, never by sleeping.
//!
//! ```no_run
//! # fn log() -> Box<dyn ports::EventLog> { unimplemented!() }
//! let log = log();
//! let subject = ports::conformance::Subject {
//!     log: &*log,
//!     prefix: "run-1.".to_owned(),
//!     record_bytes_max: 1_000_000,
//!     wait: std::time::Duration::from_secs(10),
//! };
//! for suite in ports::conformance::ALL {
//!     suite.run(&subject);
//! }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite is a test: a failed step fails it"
)]

mod groups;
mod publishing;
mod reading;
mod topics;

use std::fmt::Debug;
use std::time::Duration;

use event::{TimestampType, TopicPartition};

use crate::{
    Consumer, EventLog, LogError, Outgoing, Polled, Position, Subscription, TopicSpec,
    publish_and_wait,
};

/// The log under test.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The log.
    pub log: &'a dyn EventLog,
    /// Begins the name of every topic and group; new for every run on a lasting log.
    pub prefix: String,
    /// A record with a value of this many bytes is accepted, one of twice as many is `TooLarge`.
    pub record_bytes_max: usize,
    /// How long one step may take at most.
    pub wait: Duration,
}

/// A named suite.
#[derive(Clone, Copy)]
pub struct Suite {
    /// What it shows, as a sentence.
    pub name: &'static str,
    body: fn(&Subject<'_>),
}

impl Debug for Suite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Suite {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// If the log does not do what the port promises.
    pub fn run(&self, subject: &Subject<'_>) {
        (self.body)(subject);
    }
}

macro_rules! suites {
    ($($module:ident::$name:ident,)*) => {
        /// Every suite that any log must pass.
        pub const ALL: &[Suite] = &[$(Suite { name: stringify!($name), body: $module::$name },)*];
    };
}

suites! {
    topics::topics_are_created_once,
    topics::what_does_not_exist_is_unknown,
    publishing::a_key_decides_the_partition_and_keeps_its_order,
    publishing::an_explicit_partition_is_obeyed,
    publishing::what_is_read_is_what_was_published,
    publishing::timestamps_are_of_the_log_and_never_go_back,
    publishing::a_record_that_is_too_large_is_refused_alone,
    publishing::every_call_is_answered_exactly_once,
    publishing::concurrent_publishers_lose_nothing,
    reading::nothing_is_delivered_before_seek,
    reading::seek_goes_back_and_forth,
    reading::a_position_that_is_not_held_is_an_error,
    reading::a_paused_partition_is_silent,
    reading::batches_are_bounded,
    reading::a_waiting_consumer_wakes_up,
    groups::two_members_share_and_hand_over,
    groups::groups_are_independent,
    groups::a_commit_is_accepted,
}

/// For durable logs: what was acknowledged before a reopening is there after it, with the same
/// offsets, timestamps and bytes, and new records follow it. `open` opens the same log again; the
/// one before has been dropped.
///
/// # Panics
///
/// If not.
pub fn survives_reopening(open: &dyn Fn() -> Box<dyn EventLog>, prefix: &str, wait: Duration) {
    let topic = format!("{prefix}survives_reopening");
    let partition = TopicPartition::new(topic.as_str(), 0);
    let mut expected: Vec<OwnedRecord> = Vec::new();
    let mut id = None;
    for round in 0..3 {
        let log = open();
        let subject =
            Subject { log: &*log, prefix: prefix.to_owned(), record_bytes_max: 1_000, wait };
        if round == 0 {
            subject.create(&topic, 1);
        }
        assert_eq!(log.partitions(&topic), Ok(1));
        let now = log.topic_id(&topic).expect("identity");
        assert_eq!(*id.get_or_insert_with(|| now.clone()), now, "a reopening is no new topic");
        assert_eq!(subject.read_all(&partition), expected, "before round {round}");
        let records = (0..50).map(|n| record(&topic, n)).collect();
        let landed = subject.publish(records);
        let first = i64::try_from(expected.len()).unwrap();
        assert_eq!(landed.first().map(|position| position.offset), Some(first));
        expected = subject.read_all(&partition);
        assert_eq!(expected.len(), 50 * (round + 1));
    }
}

/// A record of a batch that outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnedRecord {
    partition: i32,
    offset: i64,
    timestamp_ms: i64,
    timestamp_type: TimestampType,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn owned(batch: &event::Batch) -> impl Iterator<Item = OwnedRecord> {
    batch.records().map(|record| OwnedRecord {
        partition: record.partition,
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        timestamp_type: record.timestamp_type,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
            .collect(),
    })
}

fn record(topic: &str, number: u32) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: Some(0),
        key: Some(format!("key-{}", number % 7).into_bytes()),
        value: Some(format!("value-{number}").into_bytes()),
        headers: vec![("number".to_owned(), Some(number.to_be_bytes().to_vec()))],
    }
}

impl Subject<'_> {
    fn name(&self, of: &str) -> String {
        format!("{}{of}", self.prefix)
    }

    fn create(&self, topic: &str, partitions: i32) {
        let spec = TopicSpec { name: topic.to_owned(), partitions, compacted: false };
        self.log.create_topics(&[spec]).expect("topic is created");
    }

    fn publish(&self, records: Vec<Outgoing>) -> Vec<Position> {
        publish_and_wait(&*self.log.producer(), records, self.wait).expect("records are accepted")
    }

    fn group(&self, group: &str, topic: &str) -> Reader {
        let subscription =
            Subscription::Group { group: self.name(group), topics: vec![topic.to_owned()] };
        self.reader(subscription)
    }

    fn reader(&self, subscription: Subscription) -> Reader {
        let consumer = self.log.consumer(subscription).expect("a consumer");
        Reader { consumer, wait: self.wait }
    }

    /// A reader that has these partitions assigned, and started at the offsets.
    fn started(&self, from: &[(&TopicPartition, i64)]) -> Reader {
        let partitions: Vec<_> = from.iter().map(|(partition, _)| (*partition).clone()).collect();
        let mut reader = self.reader(Subscription::Partitions(partitions.clone()));
        assert_eq!(reader.assigned(), partitions);
        for (partition, offset) in from {
            reader.consumer.seek(partition, *offset).expect("seek");
        }
        reader
    }

    /// Every record that the partition holds now.
    fn read_all(&self, partition: &TopicPartition) -> Vec<OwnedRecord> {
        let range = self.log.offsets(partition).expect("offsets");
        if range.first == range.next {
            return Vec::new();
        }
        let mut reader = self.started(&[(partition, range.first)]);
        reader.until_offset(range.next)
    }
}

/// A consumer with a deadline.
struct Reader {
    consumer: Box<dyn Consumer>,
    wait: Duration,
}

impl Reader {
    const POLL: Duration = Duration::from_millis(50);

    /// Polls until `take` says it has seen enough; idle polls count against the deadline.
    fn until(&mut self, expected: &str, mut take: impl FnMut(&mut dyn Consumer, Polled) -> bool) {
        let mut idle_left = self.wait.as_millis() / Self::POLL.as_millis();
        for _ in 0..100_000 {
            match self.consumer.poll(Self::POLL).expect("poll") {
                Polled::Idle => {
                    assert!(idle_left > 0, "{expected} within {:?}", self.wait);
                    idle_left -= 1;
                }
                polled @ (Polled::Assigned(_) | Polled::Revoked(_) | Polled::Batch(_)) => {
                    if take(&mut *self.consumer, polled) {
                        return;
                    }
                }
            }
        }
        panic!("{expected} within 100,000 polls");
    }

    /// The next change, which must be an assignment; sorted.
    fn assigned(&mut self) -> Vec<TopicPartition> {
        let mut assigned = Vec::new();
        self.until("an assignment", |_, polled| match polled {
            Polled::Assigned(mut partitions) => {
                partitions.sort();
                assigned = partitions;
                true
            }
            Polled::Idle | Polled::Revoked(_) | Polled::Batch(_) => {
                panic!("an assignment comes first, not {polled:?}")
            }
        });
        assigned
    }

    /// The next `count` records, which must come without any change of the assignment.
    fn records(&mut self, count: usize) -> Vec<OwnedRecord> {
        let mut records = Vec::new();
        if count == 0 {
            return records;
        }
        self.until("records", |_, polled| match polled {
            Polled::Batch(batch) => {
                assert!(!batch.is_empty(), "a batch has records");
                records.extend(owned(&batch));
                records.len() >= count
            }
            Polled::Idle | Polled::Assigned(_) | Polled::Revoked(_) => {
                panic!("records, not {polled:?}")
            }
        });
        records
    }

    /// Records until the offset has been reached, in one partition.
    fn until_offset(&mut self, next: i64) -> Vec<OwnedRecord> {
        let mut records = Vec::new();
        self.until("records", |_, polled| {
            if let Polled::Batch(batch) = polled {
                records.extend(owned(&batch));
            }
            records.last().is_some_and(|record: &OwnedRecord| record.offset + 1 >= next)
        });
        records
    }

    /// Nothing happens for a while.
    fn expect_silence(&mut self) {
        for _ in 0..6 {
            let polled = self.consumer.poll(Self::POLL).expect("poll");
            assert!(matches!(polled, Polled::Idle), "silence, not {polled:?}");
        }
    }

    /// The next error of a poll.
    fn error(&mut self) -> LogError {
        for _ in 0..=self.wait.as_millis() / Self::POLL.as_millis() {
            match self.consumer.poll(Self::POLL) {
                Ok(Polled::Idle) => {}
                Ok(polled) => panic!("an error, not {polled:?}"),
                Err(error) => return error,
            }
        }
        panic!("an error within {:?}", self.wait);
    }
}
