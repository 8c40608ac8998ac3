//! The governance topic as the processor reads it: whole, from its beginning, without a group, because
//! what is in force depends on all of it.

use std::time::Duration;

use event::{Decoder, Record, TopicPartition};
use governance::{Acts, Refusal, Trust};
use ports::{Consumer, EventLog, LogError, Polled, Subscription};
use service::metric_names as names;
use service::read::read_ranges;
use service::seldom::Seldom;
use service::{RoleError, metrics::count};
use tracing::{error, info, warn};

use crate::config::Config;

/// The acts that were read so far.
#[derive(Debug)]
pub(crate) struct Governance {
    consumer: Box<dyn Consumer>,
    partition: TopicPartition,
    topic_id: String,
    decoder: Decoder,
    acts: Acts,
    said: Seldom,
}

impl Governance {
    /// Reads the topic to its end.
    ///
    /// # Errors
    ///
    /// A topic that is missing, or has more than one partition, in which acts have no order; what the
    /// log reports.
    pub(crate) fn open(
        config: &Config,
        log: &dyn EventLog,
        trust: &Trust,
        decoder: Decoder,
    ) -> Result<Self, RoleError> {
        let topic = config.topics.governance.as_str();
        let partitions = log.partitions(topic)?;
        if partitions != 1 {
            return Err(RoleError::Start(format!(
                "topic `{topic}` has {partitions} partitions; acts have one order, so it must have 1"
            )));
        }
        let partition = TopicPartition::new(topic, 0);
        let topic_id = log.topic_id(topic)?;
        let held = log.offsets(&partition)?;
        if held.first > 0 {
            error!(
                %partition, first_offset = held.first,
                "acts at the beginning of the governance topic are gone, and what they put in force is \
                 unknown; set retention.ms=-1, retention.bytes=-1 and cleanup.policy=delete"
            );
        }
        let subscription = Subscription::Partitions(vec![partition.clone()]);
        let mut governance = Self {
            consumer: log.consumer(subscription)?,
            partition: partition.clone(),
            topic_id,
            decoder,
            acts: Acts::new(trust.clone()),
            said: Seldom::default(),
        };
        let ranges = [(partition, held.first..held.next)];
        let missing = read_ranges(log, ranges, config.read_wait(), |_, record| {
            governance.take(record);
        })?;
        for (partition, range) in missing {
            warn!(%partition, from = range.start, until = range.end, "offsets without records");
        }
        let in_force = governance.acts.len();
        info!(records = held.next, in_force, "read the governance topic");
        Ok(governance)
    }

    /// Reads what was added since. Returns whether there was anything.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn poll(&mut self) -> Result<bool, LogError> {
        let mut any = false;
        loop {
            match self.consumer.poll(Duration::ZERO)? {
                Polled::Assigned(partitions) => {
                    for partition in partitions {
                        self.consumer.seek(&partition, self.acts.next())?;
                    }
                }
                Polled::Batch(batch) => {
                    any = true;
                    batch.records().for_each(|record| self.take(&record));
                }
                Polled::Idle | Polled::Revoked(_) => return Ok(any),
            }
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let decoded = self.decoder.decode(record);
        let event = decoded.fault.is_none().then_some(&decoded.event);
        let time = record.timestamp_ms.saturating_mul(1_000);
        if let Err(refusal) = self.acts.handle(record.offset, time, event) {
            self.refused(record.offset, refusal);
        }
    }

    fn refused(&self, offset: i64, refusal: Refusal) {
        let reason = refusal.name();
        metrics::counter!(names::PROCESSOR_ACTS_REFUSED, "reason" => reason).increment(1);
        if let Some(left_out) = self.said.is_due(reason) {
            warn!(
                partition = %self.partition, offset, reason, left_out,
                "a record of the governance topic is no act of this installation, or a copy of one; it \
                 has no effect"
            );
        }
    }

    /// The acts in force.
    pub(crate) const fn acts(&self) -> &Acts {
        &self.acts
    }

    /// Identity of the topic.
    pub(crate) fn topic_id(&self) -> &str {
        &self.topic_id
    }
}

/// Counts acts that were admitted to a partition.
pub(crate) fn count_admitted(acts: usize) {
    metrics::counter!(names::PROCESSOR_ACTS_ADMITTED).increment(count(acts));
}
