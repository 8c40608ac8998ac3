//! The log under test, and readers with a deadline.

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
    /// Prefix of all topic and group names; on a durable log unique to the run.
    pub prefix: String,
    /// A record with a value of this many bytes is accepted, one of twice as many is `TooLarge`.
    pub record_bytes_max: usize,
    /// Limit of records in flight: at least 1,500, and few enough for a suite to exceed it.
    pub queue_records_max: usize,
    /// Longest duration of one step.
    pub wait: Duration,
}

/// A record of a batch that outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnedRecord {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp_ms: i64,
    pub(super) timestamp_type: TimestampType,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
}

pub(super) fn owned(batch: &event::Batch) -> impl Iterator<Item = OwnedRecord> {
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

pub(super) fn record(topic: &str, number: u32) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: Some(0),
        key: Some(format!("key-{}", number % 7).into_bytes()),
        value: Some(format!("value-{number}").into_bytes()),
        headers: vec![("number".to_owned(), Some(number.to_be_bytes().to_vec()))],
    }
}

impl Subject<'_> {
    pub(super) fn name(&self, of: &str) -> String {
        format!("{}{of}", self.prefix)
    }

    pub(super) fn create(&self, topic: &str, partitions: i32) {
        let spec = TopicSpec { name: topic.to_owned(), partitions, compacted: false, kept: false };
        self.log.create_topics(&[spec]).expect("topic is created");
    }

    pub(super) fn publish(&self, records: Vec<Outgoing>) -> Vec<Position> {
        publish_and_wait(&*self.log.producer(), records, self.wait).expect("records are accepted")
    }

    pub(super) fn group(&self, group: &str, topic: &str) -> Reader {
        let subscription =
            Subscription::Group { group: self.name(group), topics: vec![topic.to_owned()] };
        self.reader(subscription)
    }

    pub(super) fn reader(&self, subscription: Subscription) -> Reader {
        let consumer = self.log.consumer(subscription).expect("a consumer");
        Reader { consumer, wait: self.wait }
    }

    /// A reader that has these partitions assigned, and started at the offsets.
    pub(super) fn started(&self, from: &[(&TopicPartition, i64)]) -> Reader {
        let partitions: Vec<_> = from.iter().map(|(partition, _)| (*partition).clone()).collect();
        let mut reader = self.reader(Subscription::Partitions(partitions.clone()));
        assert_eq!(reader.assigned(), partitions);
        for (partition, offset) in from {
            reader.consumer.seek(partition, *offset).expect("seek");
        }
        reader
    }

    /// Every record that the partition holds now.
    pub(super) fn read_all(&self, partition: &TopicPartition) -> Vec<OwnedRecord> {
        let range = self.log.offsets(partition).expect("offsets");
        if range.first == range.next {
            return Vec::new();
        }
        let mut reader = self.started(&[(partition, range.first)]);
        reader.until_offset(range.next)
    }
}

/// A consumer with a deadline.
pub(super) struct Reader {
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) wait: Duration,
}

impl Reader {
    pub(super) const POLL: Duration = Duration::from_millis(50);

    /// Polls until `take` says it has seen enough; idle polls count against the deadline.
    pub(super) fn until(
        &mut self,
        expected: &str,
        mut take: impl FnMut(&mut dyn Consumer, Polled) -> bool,
    ) {
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
    pub(super) fn assigned(&mut self) -> Vec<TopicPartition> {
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
    pub(super) fn records(&mut self, count: usize) -> Vec<OwnedRecord> {
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
    pub(super) fn until_offset(&mut self, next: i64) -> Vec<OwnedRecord> {
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
    pub(super) fn expect_silence(&mut self) {
        for _ in 0..6 {
            let polled = self.consumer.poll(Self::POLL).expect("poll");
            assert!(matches!(polled, Polled::Idle), "silence, not {polled:?}");
        }
    }

    /// The next error of a poll.
    pub(super) fn error(&mut self) -> LogError {
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
