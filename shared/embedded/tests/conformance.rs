//! The embedded log does what the port promises, also after it was opened again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; what was run is said"
)]

use std::path::Path;
use std::time::Duration;

use embedded::{EmbeddedLog, Expiry, OpenError, Options};
use event::TopicPartition;
use ports::conformance::{ALL, Subject, survives_reopening};
use ports::{
    EventLog, LogError, OffsetRange, Outgoing, Polled, Position, Subscription, TopicSpec,
    publish_and_wait,
};

const WAIT: Duration = Duration::from_secs(20);

fn now_ms() -> i64 {
    1_800_000_000_000
}

fn open(directory: &Path, sync: bool) -> EmbeddedLog {
    let options = Options {
        sync,
        record_bytes_max: 300_000,
        queue_records_max: 2_000,
        ..Options::new(directory, now_ms)
    };
    EmbeddedLog::open(options).unwrap()
}

fn run_all(sync: bool) {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), sync);
    let subject = Subject {
        log: &log,
        prefix: "embedded.".to_owned(),
        record_bytes_max: 290_000,
        queue_records_max: 2_000,
        wait: WAIT,
    };
    for suite in ALL {
        println!("suite {}", suite.name);
        suite.run(&subject);
    }
    drop(log);
    println!("suite survives_reopening");
    survives_reopening(&|| Box::new(open(directory.path(), sync)), "embedded.", WAIT);
}

#[test]
fn the_embedded_log_passes_every_suite() {
    run_all(false);
}

#[test]
fn the_embedded_log_passes_every_suite_when_it_syncs() {
    run_all(true);
}

fn compacted() -> TopicSpec {
    TopicSpec { name: "state".to_owned(), partitions: 1, compacted: true, kept: false }
}

fn keyed(key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: "state".into(),
        partition: Some(0),
        key: Some(key.into()),
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

fn read(log: &EmbeddedLog, partition: &TopicPartition) -> Vec<(i64, Option<Vec<u8>>)> {
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()])).unwrap();
    assert!(matches!(consumer.poll(WAIT), Ok(Polled::Assigned(_))));
    consumer.seek(partition, log.offsets(partition).unwrap().first).unwrap();
    let mut records = Vec::new();
    while let Polled::Batch(batch) = consumer.poll(Duration::ZERO).unwrap() {
        records.extend(
            batch.records().map(|record| (record.offset, record.value.map(<[u8]>::to_vec))),
        );
    }
    records
}

#[test]
fn a_compacted_topic_keeps_the_newest_of_each_key_across_openings() {
    let directory = tempfile::tempdir().unwrap();
    let partition = TopicPartition::new("state", 0);
    let log = open(directory.path(), false);
    log.create_topics(&[compacted()]).unwrap();
    let records = vec![keyed("a", "1"), keyed("b", "1"), keyed("a", "2"), keyed("a", "3")];
    publish_and_wait(&*log.producer(), records, WAIT).unwrap();
    let text = |held: Vec<(i64, Option<Vec<u8>>)>| -> Vec<(i64, String)> {
        held.into_iter()
            .map(|(offset, value)| (offset, String::from_utf8(value.unwrap()).unwrap()))
            .collect()
    };
    assert_eq!(text(read(&log, &partition)), [(1, "1".to_owned()), (3, "3".to_owned())]);
    drop(log);
    let log = open(directory.path(), false);
    assert_eq!(log.offsets(&partition), Ok(OffsetRange { first: 0, next: 4 }));
    publish_and_wait(&*log.producer(), vec![keyed("b", "2")], WAIT).unwrap();
    assert_eq!(text(read(&log, &partition)), [(3, "3".to_owned()), (4, "2".to_owned())]);
}

#[test]
fn trimmed_records_are_out_of_range_and_offsets_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let partition = TopicPartition::new("state", 0);
    let log = open(directory.path(), false);
    log.create_topics(&[TopicSpec { compacted: false, ..compacted() }]).unwrap();
    for round in 0..10 {
        let records = (0..10).map(|number| keyed("k", &format!("{round}{number}"))).collect();
        publish_and_wait(&*log.producer(), records, WAIT).unwrap();
    }
    log.trim(&partition, 55).unwrap();
    assert_eq!(log.offsets(&partition), Ok(OffsetRange { first: 55, next: 100 }));
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()])).unwrap();
    assert!(matches!(consumer.poll(WAIT), Ok(Polled::Assigned(_))));
    let refused = consumer.seek(&partition, 54);
    assert!(matches!(refused, Err(LogError::OutOfRange { first: 55, next: 100, .. })));
    // Somebody who stands where records vanish is told, not moved.
    consumer.seek(&partition, 60).unwrap();
    log.trim(&partition, 100).unwrap();
    assert!(matches!(consumer.poll(WAIT), Err(LogError::OutOfRange { offset: 60, .. })));
    drop(consumer);
    drop(log);

    let log = open(directory.path(), false);
    assert_eq!(log.offsets(&partition), Ok(OffsetRange { first: 100, next: 100 }));
    let landed = publish_and_wait(&*log.producer(), vec![keyed("k", "later")], WAIT).unwrap();
    assert_eq!(landed.first().unwrap().offset, 100);
    assert_eq!(read(&log, &partition), [(100, Some(b"later".to_vec()))]);
}

#[test]
fn a_second_opening_is_refused_while_the_first_lasts() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), false);
    let options = Options::new(directory.path(), now_ms);
    let error = EmbeddedLog::open(options.clone()).unwrap_err();
    assert_eq!(error, OpenError::InUse { directory: directory.path().to_owned() });
    drop(log);
    EmbeddedLog::open(options).unwrap();
}

#[test]
fn a_full_queue_refuses_and_queues_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { queue_records_max: 10, ..Options::new(directory.path(), now_ms) };
    let log = EmbeddedLog::open(options).unwrap();
    log.create_topics(&[compacted()]).unwrap();
    let producer = log.producer();
    let (sender, receiver) = std::sync::mpsc::channel();
    let (mut taken, mut refused) = (0_u32, 0);
    // The first call keeps the writer in its callback until the queue is full behind it.
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    producer
        .publish(
            vec![keyed("k", "v")],
            Box::new(move |_| {
                blocked.recv().unwrap_err();
            }),
        )
        .unwrap();
    for _ in 0..30 {
        let sender = sender.clone();
        match producer.publish(
            vec![keyed("k", "v"); 4],
            Box::new(move |published| sender.send(published.len()).unwrap()),
        ) {
            Ok(()) => taken += 1,
            Err(full) => {
                assert_eq!(full.records, vec![keyed("k", "v"); 4]);
                assert!(full.waiting > 0);
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the bound is a bound");
    drop((sender, unblock));
    assert_eq!(
        receiver.iter().count(),
        taken as usize,
        "every taken call is answered, no other is"
    );
    let next = log.offsets(&TopicPartition::new("state", 0)).unwrap().next;
    assert_eq!(next, 1 + i64::from(taken) * 4, "what was refused was not queued");
}

#[test]
fn records_are_deleted_when_they_are_old_and_every_group_has_read_them() {
    static NOW_MS: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1_000_000);
    let now_ms = || NOW_MS.load(std::sync::atomic::Ordering::SeqCst);
    let directory = tempfile::tempdir().unwrap();
    let expiry = Expiry {
        after_ms: 1_000,
        topics: vec![
            ("read".into(), vec!["one".into(), "two".into()]),
            ("absent".into(), vec!["one".into()]),
        ],
    };
    let options = Options { expiry: Some(expiry), ..Options::new(directory.path(), now_ms) };
    let log = EmbeddedLog::open(options).unwrap();
    let topics = ["read", "kept"].map(|name| TopicSpec {
        name: name.into(),
        partitions: 1,
        compacted: false,
        kept: false,
    });
    log.create_topics(&topics).unwrap();
    let publish = |topic: &str| {
        let record = Outgoing { topic: topic.into(), partition: Some(0), ..keyed("k", "v") };
        publish_and_wait(&*log.producer(), vec![record; 5], WAIT).unwrap();
    };
    let partitions = ["read", "kept"].map(|name| TopicPartition::new(name, 0));
    let firsts = || partitions.each_ref().map(|partition| log.offsets(partition).unwrap().first);
    for _ in 0..3 {
        publish("read");
        publish("kept");
        NOW_MS.fetch_add(600, std::sync::atomic::Ordering::SeqCst);
    }
    let read_to = |group: &str, offset| {
        let subscription = Subscription::Group { topics: vec!["read".into()], group: group.into() };
        let mut consumer = log.consumer(subscription).unwrap();
        assert!(matches!(consumer.poll(WAIT), Ok(Polled::Assigned(_))));
        consumer.commit(&[Position { partition: partitions[0].clone(), offset }]).unwrap();
    };
    // Records are 1800, 1200 and 600 ms old. Nobody has read them; then one of two has; then both.
    assert_eq!((log.expire(), firsts()), (Ok(0), [0, 0]));
    read_to("one", 15);
    assert_eq!((log.expire(), firsts()), (Ok(0), [0, 0]));
    read_to("two", 7);
    assert_eq!((log.expire(), firsts()), (Ok(5), [5, 0]), "a chunk that is not read whole stays");
    read_to("two", 15);
    assert_eq!((log.expire(), firsts()), (Ok(5), [10, 0]), "a chunk that is young stays");
    NOW_MS.fetch_add(10_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!((log.expire(), firsts()), (Ok(5), [15, 0]));
    publish("read");
    let expected: Vec<_> = (15..20).map(|offset| (offset, Some(b"v".to_vec()))).collect();
    assert_eq!(read(&log, &partitions[0]), expected, "the partition goes on after the last one");
}
