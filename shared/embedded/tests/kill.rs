//! What was acknowledged survives `kill -9` in the middle of publishing.
//!
//! The parent runs this very test program as a child that publishes and prints each
//! acknowledgement, kills it at some moment, opens the log, and compares. Several rounds share one
//! directory, so that recovery follows recovery.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use embedded::{EmbeddedLog, Options};
use event::TopicPartition;
use ports::{EventLog, Outgoing, Polled, Subscription, TopicSpec, publish_and_wait};

const DIRECTORY: &str = "DRIFTSEAL_TEST_EMBEDDED_DIRECTORY";
const WAIT: Duration = Duration::from_secs(30);

fn now_ms() -> i64 {
    1_800_000_000_000
}

fn open(directory: &Path) -> EmbeddedLog {
    let log = EmbeddedLog::open(Options::new(directory, now_ms)).unwrap();
    log.create_topics(&[
        TopicSpec { name: "events".to_owned(), partitions: 3, compacted: false, kept: false },
        TopicSpec { name: "state".to_owned(), partitions: 1, compacted: true, kept: false },
    ])
    .unwrap();
    log
}

/// Value that tells where it came from, of a size that varies.
fn value(thread: u32, round: u32, number: u32) -> Vec<u8> {
    let name = format!("{thread}-{round}-{number};");
    name.repeat(1 + (number as usize * 37) % 90).into_bytes()
}

/// The child of the test below; does nothing when nobody told it where to publish.
#[test]
fn child_publishes_until_it_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "how a parent tells its child where")]
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let log = open(Path::new(&directory));
    std::thread::scope(|scope| {
        for thread in 0..3_u32 {
            let producer = log.producer();
            scope.spawn(move || {
                for round in 0_u32.. {
                    let records: Vec<_> = (0_u32..1 + round % 40)
                        .map(|number| Outgoing {
                            topic: "events".into(),
                            partition: Some((number % 3).cast_signed()),
                            key: Some(number.to_be_bytes().to_vec()),
                            value: Some(value(thread, round, number)),
                            headers: Vec::new(),
                        })
                        .chain([Outgoing {
                            topic: "state".into(),
                            partition: Some(0),
                            key: Some(thread.to_be_bytes().to_vec()),
                            value: Some(round.to_be_bytes().to_vec()),
                            headers: Vec::new(),
                        }])
                        .collect();
                    let values: Vec<_> =
                        records.iter().map(|record| record.value.clone().unwrap()).collect();
                    let landed = publish_and_wait(&*producer, records, WAIT).unwrap();
                    let mut lines = String::from("\n");
                    for (position, value) in landed.iter().zip(values) {
                        let name = match &*position.partition.topic {
                            "events" => String::from_utf8(value).unwrap(),
                            _ => round.to_string(),
                        };
                        let first = name.split(';').next().unwrap();
                        let TopicPartition { topic, partition } = &position.partition;
                        lines += &format!(
                            "ack {topic} {partition} {} {first} {thread}\n",
                            position.offset
                        );
                    }
                    std::io::stdout().lock().write_all(lines.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Everything that a partition holds: offset and value.
fn held(log: &EmbeddedLog, partition: &TopicPartition) -> BTreeMap<i64, Vec<u8>> {
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()])).unwrap();
    assert!(matches!(consumer.poll(WAIT), Ok(Polled::Assigned(_))));
    consumer.seek(partition, 0).unwrap();
    let mut held = BTreeMap::new();
    while let Polled::Batch(batch) = consumer.poll(Duration::ZERO).unwrap() {
        held.extend(batch.records().map(|record| (record.offset, record.value.unwrap().to_vec())));
    }
    held
}

#[test]
fn every_acknowledged_record_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<(i32, i64), String> = BTreeMap::new();
    // Newest round that was acknowledged to each thread, of the last child.
    let mut newest: BTreeMap<u32, u32> = BTreeMap::new();
    for acks in [1_usize, 40, 400, 2_000, 7_000, 3] {
        newest.clear();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_publishes_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let words: Vec<_> = line.split(' ').collect();
            let ["ack", topic, partition, offset, name, thread] = words[..] else { continue };
            if topic == "events" {
                let at = (partition.parse().unwrap(), offset.parse().unwrap());
                let before = acknowledged.insert(at, name.to_owned());
                assert_eq!(before, None, "an offset is given once: {at:?}");
            } else {
                newest.insert(thread.parse().unwrap(), name.parse().unwrap());
            }
            seen += 1;
            if seen == acks {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= acks, "the child ended by itself after {seen} acknowledgements");

        let log = open(directory.path());
        for number in 0..3 {
            let partition = TopicPartition::new("events", number);
            let held = held(&log, &partition);
            let next = log.offsets(&partition).unwrap().next;
            let offsets: Vec<_> = held.keys().copied().collect();
            assert_eq!(offsets, (0..next).collect::<Vec<_>>(), "offsets are contiguous");
            for ((_, offset), name) in acknowledged.range((number, 0)..(number + 1, 0)) {
                let Some(found) = held.get(offset) else { panic!("{partition}@{offset} is lost") };
                let found = String::from_utf8_lossy(found);
                assert_eq!(found.split(';').next(), Some(name.as_str()), "{partition}@{offset}");
                // Whole, not torn.
                let [thread, round, record] =
                    name.split('-').map(|part| part.parse().unwrap()).collect::<Vec<u32>>()[..]
                else {
                    panic!("three numbers")
                };
                assert_eq!(found.as_bytes(), value(thread, round, record));
            }
        }
        // Of the compacted topic the newest per key is left: the acknowledged one or a later one.
        let state = held(&log, &TopicPartition::new("state", 0));
        assert!(state.len() <= 3, "{state:?}");
        for round in newest.values() {
            let at_least = round.to_be_bytes();
            assert!(state.values().any(|held| held.as_slice() >= at_least.as_slice()));
        }
    }
    // Of the 9,444 acknowledgements, one in 21 on average is of the compacted topic.
    assert!(acknowledged.len() > 8_000, "{} acknowledged", acknowledged.len());
}
