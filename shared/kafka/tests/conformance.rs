//! The Kafka log does what the port promises, on a real broker.
//!
//! `DRIFTSEAL_TEST_KAFKA` names the brokers (`deploy/kafka/kafka.sh up` prints them). Unset, the
//! suites are not run, and say so; set and unreachable, the tests fail.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step fails the test; what was not run is said"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka::{KafkaLog, Options};
use ports::conformance::{ALL, Subject, survives_reopening};

const WAIT: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "a test is told where its broker is")]
fn brokers() -> Option<String> {
    std::env::var("DRIFTSEAL_TEST_KAFKA").ok().filter(|brokers| !brokers.is_empty())
}

/// New for every run: the broker keeps the topics of earlier ones.
#[expect(clippy::disallowed_methods, reason = "a name, not a decision")]
fn prefix(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("test.{}.{}.{name}.", now.as_nanos(), std::process::id())
}

fn options(brokers: &str, client: &[(&str, &str)]) -> Options {
    let mut options = Options::new(brokers);
    options.record_bytes_max = 300_000;
    options.queue_records_max = 2_000;
    options.metadata_refresh = Duration::from_secs(1);
    options
        .client
        .extend(client.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    options
}

fn run_all(name: &str, client: &[(&str, &str)]) {
    let Some(brokers) = brokers() else {
        println!("not run: {name}, because DRIFTSEAL_TEST_KAFKA is not set");
        return;
    };
    let prefix = prefix(name);
    let log = KafkaLog::connect(options(&brokers, client)).unwrap();
    let subject = Subject {
        log: &log,
        prefix: prefix.clone(),
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
    let open = || -> Box<dyn ports::EventLog> {
        Box::new(KafkaLog::connect(options(&brokers, client)).unwrap())
    };
    survives_reopening(&open, &prefix, WAIT);
}

#[test]
fn kafka_passes_every_suite_with_the_classic_protocol() {
    run_all("classic", &[]);
}

#[test]
fn kafka_passes_every_suite_with_cooperative_rebalancing() {
    run_all("cooperative", &[("partition.assignment.strategy", "cooperative-sticky")]);
}

#[test]
fn kafka_passes_every_suite_with_the_consumer_protocol() {
    run_all("consumer", &[("group.protocol", "consumer")]);
}
