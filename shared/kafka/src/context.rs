//! Callbacks of librdkafka.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::TopicPartition;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::util::Timeout;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use crate::progress::Progress;

/// Forwards log lines of librdkafka to `tracing`.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(facility, message, "librdkafka"),
        // One line for each property that the other kind of client ignores.
        RDKafkaLogLevel::Warning if facility == "CONFWARN" => {
            tracing::debug!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "librdkafka"),
    }
}

pub(crate) fn log_error(error: &KafkaError, reason: &str) {
    // librdkafka reconnects by itself; the calls that are affected return errors of their own.
    tracing::debug!(%error, reason, "kafka client error");
}

/// Context of the clients that only send requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuietContext;

impl ClientContext for QuietContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ConsumerContext for QuietContext {}

/// A change of the assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
    /// librdkafka did not accept our answer to a rebalance: the consumer must be replaced.
    Failed(KafkaError),
}

/// Context of a consumer: queues changes of the assignment for the next poll to report, and knows how
/// far librdkafka has read.
#[derive(Debug, Default)]
pub(crate) struct GroupContext {
    changes: Mutex<VecDeque<Change>>,
    pub(crate) progress: Progress,
}

impl GroupContext {
    fn changes(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn announce(&self, change: Change) {
        self.changes().push_back(change);
    }

    pub(crate) fn take_change(&self) -> Option<Change> {
        self.changes().pop_front()
    }

    pub(crate) fn has_change(&self) -> bool {
        !self.changes().is_empty()
    }
}

/// Partitions and offsets as librdkafka takes them.
pub(crate) fn list<'a>(
    positions: impl IntoIterator<Item = (&'a TopicPartition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in positions {
        list.add_partition_offset(&partition.topic, partition.partition, offset)?;
    }
    Ok(list)
}

fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements()
        .iter()
        .map(|element| TopicPartition::new(element.topic(), element.partition()))
        .collect()
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.progress.report(&statistics);
    }
}

impl ConsumerContext for GroupContext {
    /// Answers a rebalance at once with an empty assignment: a partition enters librdkafka's
    /// assignment only with its first seek, so that nothing is fetched from a default offset.
    fn rebalance(
        &self,
        base: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let is_cooperative = matches!(base.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let nothing = TopicPartitionList::new();
        let answered = if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let answered = if is_cooperative {
                base.incremental_assign(&nothing)
            } else {
                base.assign(&nothing)
            };
            self.announce(Change::Assigned(partitions(list)));
            answered
        } else {
            let answered = if is_cooperative {
                held_of(base, list).and_then(|held| base.incremental_unassign(&held))
            } else {
                base.unassign()
            };
            self.announce(Change::Revoked(partitions(list)));
            answered
        };
        if let Err(error) = answered {
            self.announce(Change::Failed(error));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Err(error) if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) => {
                tracing::debug!(%error, "failed to commit consumer-group offsets");
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(Duration::from_millis(100))
    }
}

/// The partitions of the list that are in librdkafka's assignment; it rejects an unassign of others.
fn held_of(
    base: &BaseConsumer<GroupContext>,
    list: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let assignment = base.assignment()?;
    let mut held = TopicPartitionList::new();
    for element in list.elements() {
        if assignment.find_partition(element.topic(), element.partition()).is_some() {
            held.add_partition(element.topic(), element.partition());
        }
    }
    Ok(held)
}
