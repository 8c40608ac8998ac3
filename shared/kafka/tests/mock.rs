//! What the adapter does when brokers misbehave, on librdkafka's own mock cluster (in memory, in
//! this process; at most 5 MiB or 100,000 records per partition; it cannot create topics as
//! Kafka does and stamps records with the sender's time).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::sync::mpsc;
use std::time::Duration;

use event::TopicPartition;
use kafka::{KafkaLog, Options};
use ports::{
    Consumer, EventLog, LogError, Outgoing, Polled, Position, QueueFull, Subscription,
    publish_and_wait,
};
use rdkafka::ClientContext;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

const WAIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster(brokers: i32) -> Cluster {
    let cluster = MockCluster::new(brokers).unwrap();
    cluster.create_topic("t", 4, 1).unwrap();
    cluster
}

fn options<C: ClientContext>(cluster: &MockCluster<'_, C>) -> Options {
    let mut options = Options::new(cluster.bootstrap_servers());
    // The mock's brokers come back quickly; so shall we.
    for (property, value) in [
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "100"),
        ("retry.backoff.ms", "20"),
        // Longer than the mock waits for a first member, 3 s; it waits almost as long for others.
        ("session.timeout.ms", "5000"),
        ("heartbeat.interval.ms", "200"),
    ] {
        options.client.insert(property.to_owned(), value.to_owned());
    }
    options
}

fn record(number: u32) -> Outgoing {
    Outgoing {
        topic: "t".into(),
        partition: Some((number % 4).cast_signed()),
        value: Some(number.to_be_bytes().to_vec()),
        ..Outgoing::default()
    }
}

fn records(of: std::ops::Range<u32>) -> Vec<Outgoing> {
    of.map(record).collect()
}

fn group(log: &KafkaLog) -> Box<dyn Consumer> {
    let topics = vec!["t".to_owned()];
    log.consumer(Subscription::Group { group: "g".to_owned(), topics }).unwrap()
}

/// Polls until `done`, within the deadline; an unreachable broker is waited for.
fn until(consumer: &mut dyn Consumer, what: &str, mut done: impl FnMut(Polled) -> bool) {
    for _ in 0..WAIT.as_millis() / POLL.as_millis() {
        match consumer.poll(POLL) {
            Ok(Polled::Idle) | Err(LogError::Unavailable(_)) => {}
            Ok(polled) => {
                if done(polled) {
                    return;
                }
            }
            Err(error) => panic!("{what}, not {error}"),
        }
    }
    panic!("{what} within {WAIT:?}");
}

fn assigned(consumer: &mut dyn Consumer) -> Vec<TopicPartition> {
    let mut assigned = Vec::new();
    until(consumer, "an assignment", |polled| match polled {
        Polled::Assigned(partitions) => {
            assigned = partitions;
            !assigned.is_empty()
        }
        Polled::Idle | Polled::Revoked(_) | Polled::Batch(_) => false,
    });
    assigned
}

#[test]
fn publication_and_reading_outlast_a_broker_that_goes_and_comes_back() {
    let cluster = cluster(1);
    let log = KafkaLog::connect(options(&cluster)).unwrap();
    let producer = log.producer();
    publish_and_wait(&*producer, records(0..40), WAIT).unwrap();
    let all: Vec<_> = (0..4).map(|number| TopicPartition::new("t", number)).collect();
    let mut consumer = log.consumer(Subscription::Partitions(all.clone())).unwrap();
    assert_eq!(assigned(&mut *consumer), all);
    for partition in &all {
        consumer.seek(partition, 0).unwrap();
    }
    let mut read = 0;
    until(&mut *consumer, "the first records", |polled| {
        if let Polled::Batch(batch) = polled {
            read += batch.len();
        }
        read == 40
    });

    cluster.broker_down(1).unwrap();
    let (sender, receiver) = mpsc::channel();
    producer
        .publish(records(40..80), Box::new(move |published| sender.send(published).unwrap()))
        .unwrap();
    assert!(receiver.recv_timeout(POLL * 4).is_err(), "nobody acknowledges");
    assert_eq!(producer.in_flight(), 40);
    cluster.broker_up(1).unwrap();
    let published = receiver.recv_timeout(WAIT).unwrap();
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    assert_eq!(producer.in_flight(), 0);
    until(&mut *consumer, "the later records", |polled| {
        if let Polled::Batch(batch) = polled {
            read += batch.len();
        }
        read == 80
    });
    assert!(matches!(consumer.poll(POLL), Ok(Polled::Idle)), "none twice");
}

#[test]
fn a_record_that_nobody_acknowledges_has_an_unknown_outcome() {
    let cluster = cluster(1);
    let mut options = options(&cluster);
    options.delivery_wait = Duration::from_millis(1_200);
    let log = KafkaLog::connect(options).unwrap();
    publish_and_wait(&*log.producer(), records(0..1), WAIT).unwrap();
    cluster.broker_down(1).unwrap();
    let answer = publish_and_wait(&*log.producer(), records(1..2), WAIT);
    assert!(matches!(&answer, Err(LogError::Unavailable(_))), "{answer:?}");
}

#[test]
fn a_full_queue_refuses_the_call_and_keeps_its_callback() {
    let cluster = cluster(1);
    let mut options = options(&cluster);
    options.queue_records_max = 10;
    let log = KafkaLog::connect(options).unwrap();
    let producer = log.producer();
    publish_and_wait(&*producer, records(0..1), WAIT).unwrap();
    cluster.broker_down(1).unwrap();
    let (sender, receiver) = mpsc::channel();
    // More than the limit is taken when nothing waits, for else it could never be sent.
    producer
        .publish(records(0..15), Box::new(move |published| sender.send(published).unwrap()))
        .unwrap();
    let refused = producer.publish(records(0..1), Box::new(|_| panic!("it was not taken")));
    assert_eq!(refused, Err(QueueFull { records: records(0..1), waiting: 15 }));
    cluster.broker_up(1).unwrap();
    assert_eq!(receiver.recv_timeout(WAIT).unwrap().len(), 15);
    publish_and_wait(&*producer, records(0..1), WAIT).unwrap();
}

#[test]
fn records_fetched_before_a_revocation_are_not_delivered_after_it() {
    let cluster = cluster(1);
    let log = KafkaLog::connect(options(&cluster)).unwrap();
    publish_and_wait(&*log.producer(), records(0..4_000), WAIT).unwrap();
    let mut first = group(&log);
    for partition in assigned(&mut *first) {
        first.seek(&partition, 0).unwrap();
    }
    // One batch is taken; the others are fetched, copied and waiting.
    until(&mut *first, "a batch", |polled| matches!(polled, Polled::Batch(_)));
    let mut second = group(&log);
    let mut revoked = Vec::new();
    let mut taken = Vec::new();
    for _ in 0..WAIT.as_millis() / POLL.as_millis() {
        match first.poll(POLL) {
            Ok(Polled::Revoked(partitions)) => revoked.extend(partitions),
            Ok(Polled::Assigned(partitions)) => {
                revoked.retain(|partition| !partitions.contains(partition));
            }
            Ok(Polled::Batch(batch)) => {
                assert!(!revoked.contains(batch.partition()), "delivered after it was taken away");
            }
            Ok(Polled::Idle) | Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
        if let Ok(Polled::Assigned(partitions)) = second.poll(POLL) {
            taken = partitions;
        }
        if !taken.is_empty() && !revoked.is_empty() {
            break;
        }
    }
    assert!(!taken.is_empty(), "the second member has a share");
    assert!(taken.iter().all(|partition| revoked.contains(partition)));
}

#[test]
fn a_cluster_that_does_not_answer_is_unavailable_and_says_which() {
    let mut options = Options::new("127.0.0.1:1");
    options.request_wait = Duration::from_millis(300);
    let error = KafkaLog::connect(options).unwrap_err();
    assert!(matches!(&error, LogError::Unavailable(said) if said.contains("127.0.0.1:1")));
}

#[test]
fn a_commit_to_a_group_that_moved_on_is_not_an_error() {
    let cluster = cluster(1);
    let log = KafkaLog::connect(options(&cluster)).unwrap();
    let mut consumer = group(&log);
    let partition = assigned(&mut *consumer).remove(0);
    drop(group(&log));
    consumer.commit(&[Position { partition, offset: 0 }]).unwrap();
    assert!(consumer.poll(POLL).is_ok());
}

#[test]
fn a_member_that_did_not_poll_for_too_long_is_told_so_and_joins_anew() {
    let cluster = cluster(1);
    let mut options = options(&cluster);
    options.client.insert("max.poll.interval.ms".to_owned(), "5000".to_owned());
    let log = KafkaLog::connect(options).unwrap();
    let mut consumer = group(&log);
    let before = assigned(&mut *consumer);
    std::thread::sleep(Duration::from_secs(6));
    let mut revoked = Vec::new();
    until(&mut *consumer, "a revocation", |polled| {
        if let Polled::Revoked(partitions) = polled {
            revoked = partitions;
        }
        !revoked.is_empty()
    });
    assert_eq!(revoked, before);
    assert_eq!(assigned(&mut *consumer), before);
}
