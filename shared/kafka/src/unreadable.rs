//! Which topics a client may not read.

use std::collections::BTreeSet;
use std::time::Duration;

use ports::LogError;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::context::QuietContext;
use crate::outcome::denied;

/// Longest wait of one poll.
const STEP: Duration = Duration::from_millis(100);

/// The error of a client that the brokers have denied to read one of these topics. librdkafka does not
/// pass on which one, so each is tried, by a client with this configuration.
pub(crate) fn unreadable(
    config: &ClientConfig,
    topics: &BTreeSet<&str>,
    wait: Duration,
) -> LogError {
    let is_denied = |topic: &&str| is_denied(config, topic, wait).unwrap_or(false);
    let found: Vec<&str> = topics.iter().copied().filter(is_denied).collect();
    if found.is_empty() {
        // It was granted meanwhile, or nobody answers.
        let all: Vec<&str> = topics.iter().copied().collect();
        return denied("Read", "topic", &all);
    }
    denied("Read", "topic", &found)
}

fn is_denied(config: &ClientConfig, topic: &str, wait: Duration) -> Result<bool, KafkaError> {
    let mut config = config.clone();
    // An answer also where there is nothing to read.
    config.set("enable.partition.eof", "true");
    let client = BaseConsumer::from_config_and_context(&config, QuietContext)?;
    let mut first = TopicPartitionList::new();
    first.add_partition_offset(topic, 0, Offset::Beginning)?;
    client.assign(&first)?;
    let steps = wait.as_millis() / STEP.as_millis();
    for _ in 0..=steps {
        let code = match client.poll(STEP) {
            Some(Ok(_)) => return Ok(false),
            Some(Err(error)) => error.rdkafka_error_code(),
            None => continue,
        };
        if code == Some(RDKafkaErrorCode::TopicAuthorizationFailed) {
            return Ok(true);
        }
        if code == Some(RDKafkaErrorCode::PartitionEOF) {
            return Ok(false);
        }
    }
    Ok(false)
}
