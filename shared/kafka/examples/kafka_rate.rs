//! How fast a broker is written and read through this crate:
//! `DRIFTSEAL_TEST_KAFKA=… cargo run -p kafka --example kafka_rate`.
//!
//! One publisher with at most 64 calls of 100 records of 500 bytes in flight, 8 partitions; then
//! one reader from the start.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement: a failed step ends it, it prints, and it reads clock and environment"
)]

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event::TopicPartition;
use kafka::{KafkaLog, Options};
use ports::{EventLog, Outgoing, Polled, Subscription, TopicSpec};

const CALLS: u32 = 5_000;
const RECORDS: u32 = 100;
const PARTITIONS: i32 = 8;

fn rate(what: &str, records: u32, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{what}: {records} records in {seconds:.2} s, {:.0} per second",
        f64::from(records) / seconds
    );
}

fn main() {
    let log =
        KafkaLog::connect(Options::new(std::env::var("DRIFTSEAL_TEST_KAFKA").unwrap())).unwrap();
    let topic =
        format!("rate.{}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis());
    log.create_topics(&[TopicSpec {
        name: topic.clone(),
        partitions: PARTITIONS,
        compacted: false,
        kept: false,
    }])
    .unwrap();

    let producer = log.producer();
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    for call in 0..CALLS {
        let records = (0..RECORDS)
            .map(|number| Outgoing {
                topic: topic.as_str().into(),
                partition: None,
                key: Some((number % 50).to_be_bytes().to_vec()),
                value: Some(format!("{call:0>16}{number:0>484}").into_bytes()),
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
    rate("published", CALLS * RECORDS, started);

    let partitions: Vec<_> =
        (0..PARTITIONS).map(|number| TopicPartition::new(topic.as_str(), number)).collect();
    let mut consumer = log.consumer(Subscription::Partitions(partitions.clone())).unwrap();
    assert!(matches!(consumer.poll(Duration::ZERO), Ok(Polled::Assigned(_))));
    let started = Instant::now();
    for partition in &partitions {
        consumer.seek(partition, 0).unwrap();
    }
    let (mut read, mut batches) = (0, 0);
    while read < CALLS * RECORDS {
        match consumer.poll(Duration::from_secs(1)).unwrap() {
            Polled::Batch(batch) => {
                read += u32::try_from(batch.len()).unwrap();
                batches += 1;
            }
            Polled::Idle | Polled::Assigned(_) | Polled::Revoked(_) => {}
        }
    }
    rate("read", read, started);
    println!("{batches} batches");
}
