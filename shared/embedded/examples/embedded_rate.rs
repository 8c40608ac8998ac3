//! How fast the embedded log publishes and reads: `cargo run -p embedded --example embedded_rate -- [sync] [calls]`.
//!
//! One publisher with at most 64 calls of 100 records of 500 bytes in flight, 8 partitions; then
//! one reader from the start, after the log was opened again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement: a failed step ends it, it prints, and it reads the clock"
)]

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use embedded::{EmbeddedLog, Options};
use event::TopicPartition;
use ports::{EventLog, Outgoing, Polled, Subscription, TopicSpec};

const RECORDS: u32 = 100;
const PARTITIONS: i32 = 8;

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn rate(what: &str, records: u32, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{what}: {records} records in {seconds:.2} s, {:.0} per second",
        f64::from(records) / seconds
    );
}

fn main() {
    let sync = std::env::args().any(|argument| argument == "sync");
    let calls = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(5_000);
    let directory = tempfile::tempdir().unwrap();
    let options = Options { sync, ..Options::new(directory.path(), now_ms) };
    let log = EmbeddedLog::open(options.clone()).unwrap();
    log.create_topics(&[TopicSpec {
        name: "t".to_owned(),
        partitions: PARTITIONS,
        compacted: false,
        kept: false,
    }])
    .unwrap();

    let producer = log.producer();
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    for call in 0..calls {
        let records = (0..RECORDS)
            .map(|number| Outgoing {
                topic: "t".into(),
                partition: None,
                key: Some((number % 50).to_be_bytes().to_vec()),
                value: Some(vec![b'x'; 500]),
                headers: Vec::new(),
            })
            .collect();
        let sender = sender.clone();
        producer
            .publish(
                records,
                Box::new(move |published| {
                    assert!(published.iter().all(Result::is_ok));
                    sender.send(()).unwrap();
                }),
            )
            .unwrap();
        if call >= 64 {
            receiver.recv().unwrap();
        }
    }
    drop(sender);
    while receiver.recv().is_ok() {}
    rate("published", calls * RECORDS, started);

    drop(producer);
    drop(log);
    let started = Instant::now();
    let log = EmbeddedLog::open(options).unwrap();
    println!("opened again in {:.2} s", started.elapsed().as_secs_f64());
    let partitions: Vec<_> =
        (0..PARTITIONS).map(|number| TopicPartition::new("t", number)).collect();
    let mut consumer = log.consumer(Subscription::Partitions(partitions.clone())).unwrap();
    assert!(matches!(consumer.poll(Duration::ZERO), Ok(Polled::Assigned(_))));
    let started = Instant::now();
    for partition in &partitions {
        consumer.seek(partition, 0).unwrap();
    }
    let (mut read, mut bytes, mut batches) = (0, 0, 0);
    while let Polled::Batch(batch) = consumer.poll(Duration::ZERO).unwrap() {
        read += u32::try_from(batch.len()).unwrap();
        bytes += batch.size_bytes();
        batches += 1;
    }
    assert_eq!(read, calls * RECORDS);
    rate("read", read, started);
    println!("{batches} batches, {bytes} bytes");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak unknown");
    println!("memory: {peak}");
}
