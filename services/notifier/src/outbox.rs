//! Publishing outcomes, and tolerating failures of the log.
//!
//! An outcome is published until the log acknowledges it; none is dropped. After a transient failure
//! the role keeps its state and retries, for as long as it takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use event::Event;
use governance::sign_notice;
use ports::{LogError, Outgoing, Producer, publish, publish_and_wait};
use service::RoleError;
use service::clock::Stopwatch;
use tracing::warn;

use crate::config::Config;
use crate::credentials::Credentials;
use crate::machine::Report;

/// Outcomes per publish call.
const PUBLISH_MAX: usize = 500;

/// Outcomes that the log has not acknowledged.
#[derive(Debug)]
pub(crate) struct Outbox {
    credentials: Credentials,
    producer: Arc<dyn Producer>,
    topic: Arc<str>,
    publish_wait: Duration,
    retry_pause: Duration,
    waiting: VecDeque<(Report, Outgoing)>,
    /// Consecutive failures of the log.
    failures: u32,
    since_failure: Stopwatch,
}

impl Outbox {
    pub(crate) fn new(
        config: &Config,
        credentials: Credentials,
        producer: Arc<dyn Producer>,
    ) -> Self {
        Self {
            credentials,
            producer,
            topic: config.topics.alerts.as_str().into(),
            publish_wait: config.publish_wait(),
            retry_pause: config.retry_pause(),
            waiting: VecDeque::new(),
            failures: 0,
            since_failure: Stopwatch::start(),
        }
    }

    /// Number of outcomes that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether to publish now; after a failure there is a pause.
    pub(crate) fn may_publish(&self) -> bool {
        self.failures == 0 || self.since_failure.has_passed(self.retry_pause)
    }

    /// Adds an outcome and its event, which is signed.
    pub(crate) fn push(&mut self, report: Report, event: Event<'static>) {
        let record =
            self.record(report.key.partition, event).with_key(report.alert.agent_id.as_bytes());
        self.waiting.push_back((report, record));
    }

    /// The record of an event of the notifier, signed for its partition.
    fn record(&self, partition: i32, event: Event<'static>) -> Outgoing {
        let Credentials { trust, key } = &self.credentials;
        let signed = sign_notice(key, trust.installation(), (&*self.topic, partition), event);
        Outgoing::event_as_json(Arc::clone(&self.topic), &signed).in_partition(partition)
    }

    /// Publishes outcomes that wait. Returns those that the log has acknowledged.
    ///
    /// # Errors
    ///
    /// A permanent failure.
    pub(crate) fn publish(&mut self) -> Result<Vec<Report>, RoleError> {
        if self.waiting.is_empty() || !self.may_publish() {
            return Ok(Vec::new());
        }
        let count = self.waiting.len().min(PUBLISH_MAX);
        let records = self.waiting.iter().take(count).map(|(_, record)| record.clone()).collect();
        let published = publish(&*self.producer, records);
        let receipt = published.map_err(LogError::from);
        let published = match receipt.and_then(|receipt| receipt.wait(self.publish_wait)) {
            Ok(published) => published,
            Err(error) => return self.handle_failure(error).map(|()| Vec::new()),
        };
        assert_eq!(published.len(), count, "the log reports an outcome for every record");
        let mut failure = None;
        let mut acknowledged = Vec::new();
        let mut failed = VecDeque::new();
        for (waiting, outcome) in self.waiting.drain(..count).zip(published) {
            match outcome {
                Ok(_) => acknowledged.push(waiting.0),
                Err(error) => {
                    failure = Some(error);
                    failed.push_back(waiting);
                }
            }
        }
        failed.append(&mut self.waiting);
        self.waiting = failed;
        match failure {
            None => self.failures = 0,
            Some(error) => self.handle_failure(error)?,
        }
        Ok(acknowledged)
    }

    /// Publishes one event, signed, and waits for its acknowledgement; returns whether it arrived.
    ///
    /// # Errors
    ///
    /// A permanent failure.
    pub(crate) fn publish_now(
        &mut self,
        partition: i32,
        event: Event<'static>,
    ) -> Result<bool, RoleError> {
        let record = self.record(partition, event).with_key(partition.to_string());
        match publish_and_wait(&*self.producer, vec![record], self.publish_wait) {
            Ok(_) => {
                self.failures = 0;
                Ok(true)
            }
            Err(error) => self.handle_failure(error).map(|()| false),
        }
    }

    /// Counts a failure of the log.
    ///
    /// # Errors
    ///
    /// The failure, if it is permanent.
    pub(crate) fn handle_failure(&mut self, error: LogError) -> Result<(), RoleError> {
        self.failures = self.failures.saturating_add(1);
        self.since_failure = Stopwatch::start();
        let passes = match &error {
            LogError::Unavailable(_) | LogError::QueueFull { .. } => true,
            LogError::OutOfRange { .. }
            | LogError::TooLarge { .. }
            | LogError::UnknownPartition(_)
            | LogError::Fatal(_) => false,
        };
        if !passes {
            return Err(error.into());
        }
        warn!(%error, failures = self.failures, "log unavailable; will retry");
        Ok(())
    }
}
