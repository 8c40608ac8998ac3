//! Known ranges are read to their end, and a log that is away does not pass for one that has ended.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use event::TopicPartition;
use ports::{EventLog as _, LogError, Outgoing, TopicSpec, publish_and_wait};
use service::read::{read_ranges, read_to_end};
use sim::{Fault, MemoryLog, Operation};

const SILENCE: Duration = Duration::from_millis(50);

/// A topic of two partitions with 10 and 3 records.
fn log() -> MemoryLog {
    let log = MemoryLog::new();
    log.create_topics(&[TopicSpec {
        name: "t".into(),
        partitions: 2,
        compacted: false,
        kept: false,
    }])
    .unwrap();
    for (partition, count) in [(0, 10), (1, 3)] {
        let record = |number: u8| Outgoing {
            topic: "t".into(),
            partition: Some(partition),
            value: Some(vec![number]),
            ..Outgoing::default()
        };
        publish_and_wait(&*log.producer(), (0..count).map(record).collect(), SILENCE).unwrap();
    }
    log
}

fn of(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

#[test]
fn each_partition_is_read_in_order_up_to_its_end() {
    let log = log();
    let mut seen: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    let unread = read_to_end(&log, [of(0), of(1)], SILENCE, |partition, record| {
        seen.entry(partition.partition).or_default().push(record.offset);
    });
    assert_eq!(unread, Ok(Vec::new()));
    assert_eq!(seen, BTreeMap::from([(0, (0..10).collect()), (1, vec![0, 1, 2])]));

    let mut offsets = Vec::new();
    let ranges = [(of(0), 4..7), (of(1), 2..2)];
    let unread = read_ranges(&log, ranges, SILENCE, |_, record| offsets.push(record.offset));
    assert_eq!((unread, offsets), (Ok(Vec::new()), vec![4, 5, 6]));
}

#[test]
fn what_holds_no_record_is_returned_if_the_log_answers() {
    let log = log();
    let mut count = 0;
    let unread = read_ranges(&log, [(of(1), 0..5)], SILENCE, |_, _| count += 1);
    assert_eq!((unread, count), (Ok(vec![(of(1), 3..5)]), 3));
    assert_eq!(read_ranges(&log, [], SILENCE, |_, _| ()), Ok(Vec::new()));
}

#[test]
fn a_log_that_does_not_answer_has_not_ended() {
    let log = log();
    // Asked for the first offset of the range, then again after the silence.
    log.inject(Operation::Offsets, 1, Fault::NotApplied);
    let unread = read_ranges(&log, [(of(1), 0..5)], SILENCE, |_, _| ());
    assert!(matches!(unread, Err(LogError::Unavailable(_))), "{unread:?}");
}
