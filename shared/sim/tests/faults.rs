//! Each fault does what it says, and nothing else.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::mpsc;
use std::time::Duration;

use event::TimestampType::{CreateTime, LogAppendTime};
use event::TopicPartition;
use ports::{
    Consumer, EventLog, LogError, OffsetRange, Outgoing, Polled, Position, QueueFull, Subscription,
    TopicSpec, publish_and_wait,
};
use sim::{Fault, MemoryLog, Operation, Settings};

const NOW: Duration = Duration::ZERO;

fn create(log: &MemoryLog) {
    let spec = TopicSpec { name: "t".to_owned(), partitions: 2, compacted: false, kept: false };
    log.create_topics(&[spec]).unwrap();
}

fn log() -> MemoryLog {
    let log = MemoryLog::new();
    create(&log);
    log
}

fn record(value: &str) -> Outgoing {
    Outgoing {
        topic: "t".into(),
        partition: Some(0),
        value: Some(value.into()),
        ..Outgoing::default()
    }
}

fn zero() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn values(log: &MemoryLog) -> Vec<String> {
    let batch = log.records(&zero()).unwrap();
    batch.records().map(|record| String::from_utf8_lossy(record.value.unwrap()).into()).collect()
}

fn publish(log: &MemoryLog, value: &str) -> Result<Vec<Position>, LogError> {
    publish_and_wait(&*log.producer(), vec![record(value)], NOW)
}

fn started(log: &MemoryLog) -> Box<dyn Consumer> {
    let mut consumer = log.consumer(Subscription::Partitions(vec![zero()])).unwrap();
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Assigned(_))));
    consumer.seek(&zero(), 0).unwrap();
    consumer
}

#[test]
fn a_failed_publication_is_applied_or_not_as_planned() {
    let log = log();
    log.inject(Operation::Publish, 0, Fault::NotApplied);
    log.inject(Operation::Publish, 2, Fault::LostAnswer);
    let unavailable =
        |answer: &Result<_, LogError>| matches!(answer, Err(LogError::Unavailable(_)));
    assert!(unavailable(&publish(&log, "a")));
    assert!(publish(&log, "b").is_ok());
    assert!(unavailable(&publish(&log, "c")));
    assert!(publish(&log, "d").is_ok());
    assert_eq!(values(&log), ["b", "c", "d"]);
    assert_eq!(log.calls(Operation::Publish), 4);
}

#[test]
fn a_duplicate_is_appended_behind_the_acknowledged_copy() {
    let log = log();
    log.inject(Operation::Publish, 0, Fault::Duplicated);
    assert_eq!(publish(&log, "a").unwrap()[0].offset, 0);
    assert_eq!(publish(&log, "b").unwrap()[0].offset, 2);
    assert_eq!(values(&log), ["a", "a", "b"]);
}

#[test]
fn a_held_acknowledgement_comes_when_it_is_released_and_counts_as_in_flight() {
    let log = MemoryLog::with_settings(Settings { queue_records_max: 2, ..Settings::default() });
    log.create_topics(&[TopicSpec {
        name: "t".to_owned(),
        partitions: 1,
        compacted: false,
        kept: false,
    }])
    .unwrap();
    let (sender, receiver) = mpsc::channel();
    log.inject(Operation::Publish, 0, Fault::Held);
    let producer = log.producer();
    let done = move |published: ports::Published| sender.send(published).unwrap();
    producer.publish(vec![record("a"), record("b")], Box::new(done)).unwrap();
    assert!(receiver.try_recv().is_err());
    assert_eq!((producer.in_flight(), values(&log).len()), (2, 2));
    let refused = producer.publish(vec![record("c")], Box::new(|_| unreachable!("not taken")));
    assert_eq!(refused, Err(QueueFull { records: vec![record("c")], waiting: 2 }));
    assert_eq!(log.release(), 2);
    assert_eq!(receiver.try_recv().unwrap().len(), 2);
    assert_eq!(producer.in_flight(), 0);
}

#[test]
fn an_unreachable_log_refuses_everything_and_wakes_who_waits() {
    let log = log();
    publish(&log, "a").unwrap();
    let mut consumer = started(&log);
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Batch(_))));
    std::thread::scope(|scope| {
        // A wait without end, but for the wake-up.
        let waiting = scope.spawn(move || consumer.poll(Duration::from_secs(3_600)).map(drop));
        log.set_unavailable(true);
        assert!(matches!(waiting.join().unwrap(), Err(LogError::Unavailable(_))));
    });
    assert!(publish(&log, "b").is_err());
    assert!(log.offsets(&zero()).is_err());
    assert!(log.topic_id("t").is_err());
    log.set_unavailable(false);
    assert_eq!(values(&log), ["a"]);
    assert!(publish(&log, "b").is_ok());
}

#[test]
fn a_failed_poll_loses_no_record() {
    let log = log();
    publish(&log, "a").unwrap();
    let mut consumer = started(&log);
    for fault in [Fault::NotApplied, Fault::LostAnswer] {
        log.inject(Operation::Poll, 0, fault);
        assert!(consumer.poll(NOW).is_err());
    }
    let Polled::Batch(batch) = consumer.poll(NOW).unwrap() else { unreachable!("a batch") };
    assert_eq!(batch.first_offset(), Some(0));
}

#[test]
fn a_commit_can_be_lost_before_or_after_it_took_effect() {
    let log = log();
    let subscription = Subscription::Group { group: "g".to_owned(), topics: vec!["t".to_owned()] };
    let mut consumer = log.consumer(subscription).unwrap();
    let at = |offset| [Position { partition: zero(), offset }];
    log.inject(Operation::Commit, 0, Fault::NotApplied);
    assert!(consumer.commit(&at(1)).is_err());
    assert_eq!(log.committed("g", &zero()), None);
    log.inject(Operation::Commit, 0, Fault::LostAnswer);
    assert!(consumer.commit(&at(2)).is_err());
    assert_eq!(log.committed("g", &zero()), Some(2));
}

#[test]
fn offsets_without_records_are_passed_over() {
    let log = log();
    publish(&log, "a").unwrap();
    log.skip_offsets(&zero(), 3).unwrap();
    publish(&log, "b").unwrap();
    log.skip_offsets(&zero(), 2).unwrap();
    assert_eq!(log.offsets(&zero()), Ok(OffsetRange { first: 0, next: 7 }));
    let mut consumer = started(&log);
    let Polled::Batch(batch) = consumer.poll(NOW).unwrap() else { unreachable!("a batch") };
    let offsets: Vec<_> = batch.records().map(|record| record.offset).collect();
    assert_eq!(offsets, [0, 4]);
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Idle)));
    assert_eq!(publish(&log, "c").unwrap()[0].offset, 7);
    assert!(
        matches!(consumer.poll(NOW), Ok(Polled::Batch(batch)) if batch.first_offset() == Some(7))
    );
}

#[test]
fn who_stands_where_records_were_deleted_is_told() {
    let log = log();
    for value in ["a", "b", "c"] {
        publish(&log, value).unwrap();
    }
    let mut consumer = started(&log);
    log.trim(&zero(), 2).unwrap();
    let error = consumer.poll(NOW).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { offset: 0, first: 2, next: 3, .. }));
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Idle)), "said once, then silence");
    consumer.seek(&zero(), 2).unwrap();
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Batch(_))));
}

#[test]
fn a_topic_made_anew_has_another_identity_and_old_positions_are_out_of_range() {
    let log = log();
    publish(&log, "a").unwrap();
    let mut consumer = started(&log);
    assert!(matches!(consumer.poll(NOW), Ok(Polled::Batch(_))));
    let before = log.topic_id("t").unwrap();
    assert!(log.delete_topic("t"));
    assert!(matches!(log.topic_id("t"), Err(LogError::UnknownPartition(_))));
    create(&log);
    assert_ne!(log.topic_id("t").unwrap(), before);
    let error = consumer.poll(NOW).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { offset: 1, next: 0, .. }), "{error}");
}

#[test]
fn an_evicted_member_reads_on_until_it_polls() {
    let log = log();
    publish(&log, "a").unwrap();
    let member = || {
        let topics = vec!["t".to_owned()];
        log.consumer(Subscription::Group { group: "g".to_owned(), topics }).unwrap()
    };
    let mut zombie = member();
    assert!(matches!(zombie.poll(NOW), Ok(Polled::Assigned(all)) if all.len() == 2));
    let mut successor = member();
    assert!(matches!(successor.poll(NOW), Ok(Polled::Idle)), "nothing is given back yet");
    assert!(log.evict("g", &zero()));
    assert!(matches!(successor.poll(NOW), Ok(Polled::Assigned(all)) if all.len() == 2));
    // The zombie still believes: it may seek and commit, until a poll tells it.
    zombie.seek(&zero(), 0).unwrap();
    zombie.commit(&[Position { partition: zero(), offset: 1 }]).unwrap();
    assert!(matches!(zombie.poll(NOW), Ok(Polled::Revoked(all)) if all.len() == 2));
    assert!(zombie.seek(&zero(), 0).is_err());
}

#[test]
fn the_clock_is_the_tests_and_a_partition_never_goes_back() {
    let log = log();
    log.set_now_ms(1_000);
    publish(&log, "a").unwrap();
    log.set_now_ms(900);
    publish(&log, "b").unwrap();
    log.advance_ms(600);
    publish(&log, "c").unwrap();
    log.append_at(record("d"), 5, CreateTime).unwrap();
    let batch = log.records(&zero()).unwrap();
    let stamps: Vec<_> =
        batch.records().map(|record| (record.timestamp_ms, record.timestamp_type)).collect();

    let expected =
        [(1_000, LogAppendTime), (1_000, LogAppendTime), (1_500, LogAppendTime), (5, CreateTime)];
    assert_eq!(stamps, expected);
}
