//! What people say to alerts, and which they mute: acts of the governance topic, which every notifier
//! reads whole, because an alert may be in any partition.
//!
//! An answer may be read before its alert, whose partition lags, and after a restart: the newest are
//! kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use event::{Batch, Decoder, TopicPartition, column, kind};
use governance::{Refusal, Trust, verify_act};
use ports::{Consumer, EventLog, LogError, Polled, Subscription};
use service::read::read_ranges;
use tracing::{info, warn};

use crate::alert::{Alert, Step};
use crate::mutes::Mute;

/// Alerts whose answers are kept; beyond it those answered first are dropped.
const ALERTS_MAX: usize = 10_000;

/// What an act says to the notifier.
#[derive(Debug)]
pub(crate) enum Said {
    /// An answer to an alert.
    Answer(Box<Alert>),
    /// A suppression begins.
    Mute(Mute),
    /// The suppression of that identifier is ended.
    Unmute(String),
}

/// The answers to an alert.
#[derive(Debug, Default)]
struct Given {
    acknowledged: Option<Alert>,
    dismissed: Option<Alert>,
}

/// The answers that were given.
#[derive(Debug)]
pub(crate) struct Answers {
    consumer: Box<dyn Consumer>,
    partition: TopicPartition,
    next: i64,
    decoder: Decoder,
    by_alert: BTreeMap<Arc<str>, Given>,
    order: VecDeque<Arc<str>>,
    /// What was said before the first poll, but for answers, which wait for their alerts.
    before: Vec<Said>,
}

impl Answers {
    /// Reads the governance topic to its end; `ignored` is told of each record that is no act.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn open(
        log: &dyn EventLog,
        topic: &str,
        trust: &Trust,
        decoder: Decoder,
        read_wait: Duration,
        ignored: &mut dyn FnMut(Refusal),
    ) -> Result<Self, LogError> {
        let partition = TopicPartition::new(topic, 0);
        let held = log.offsets(&partition)?;
        let subscription = Subscription::Partitions(vec![partition.clone()]);
        let mut answers = Self {
            consumer: log.consumer(subscription)?,
            partition: partition.clone(),
            next: held.next,
            decoder: decoder.clone(),
            by_alert: BTreeMap::new(),
            order: VecDeque::new(),
            before: Vec::new(),
        };
        let ranges = [(partition, held.first..held.next)];
        let missing = read_ranges(log, ranges, read_wait, |_, record| {
            let event = decoder.decode(record).event;
            match answers.take(trust, &event, record.timestamp_ms, ignored) {
                Some(said @ (Said::Mute(_) | Said::Unmute(_))) => answers.before.push(said),
                Some(Said::Answer(_)) | None => {}
            }
        })?;
        for (partition, range) in missing {
            warn!(%partition, from = range.start, until = range.end, "offsets without records");
        }
        info!(acts = held.next, answered = answers.by_alert.len(), "read the governance topic");
        Ok(answers)
    }

    /// What was said since.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub(crate) fn poll(
        &mut self,
        trust: &Trust,
        ignored: &mut dyn FnMut(Refusal),
    ) -> Result<Vec<Said>, LogError> {
        let mut given = std::mem::take(&mut self.before);
        loop {
            match self.consumer.poll(Duration::ZERO)? {
                Polled::Assigned(partitions) => {
                    for partition in partitions {
                        self.consumer.seek(&partition, self.next)?;
                    }
                }
                Polled::Batch(batch) => self.read(trust, &batch, ignored, &mut given),
                Polled::Idle | Polled::Revoked(_) => return Ok(given),
            }
        }
    }

    fn read(
        &mut self,
        trust: &Trust,
        batch: &Batch,
        ignored: &mut dyn FnMut(Refusal),
        given: &mut Vec<Said>,
    ) {
        assert_eq!(batch.partition(), &self.partition, "one partition is read");
        for record in batch.records() {
            let event = self.decoder.decode(&record).event.into_owned();
            given.extend(self.take(trust, &event, record.timestamp_ms, ignored));
        }
        if let Some(next) = batch.next_offset() {
            self.next = next;
        }
    }

    fn take(
        &mut self,
        trust: &Trust,
        event: &event::Event<'_>,
        logged_ms: i64,
        ignored: &mut dyn FnMut(Refusal),
    ) -> Option<Said> {
        let kind = event.text(column::KIND)?;
        let is_heeded = [
            kind::DRIFT_ALERT_ACKNOWLEDGED,
            kind::DRIFT_ALERT_DISMISSED,
            kind::DRIFT_SUPPRESSION_STARTED,
            kind::DRIFT_SUPPRESSION_ENDED,
        ];
        if !is_heeded.contains(&kind) {
            return None;
        }
        if let Err(refusal) = verify_act(trust, event) {
            ignored(refusal);
            return None;
        }
        match kind {
            kind::DRIFT_SUPPRESSION_STARTED => {
                return Mute::from_act(event, logged_ms).map(Said::Mute);
            }
            kind::DRIFT_SUPPRESSION_ENDED => {
                let id = event.text(column::drift::SUPPRESSION_ID)?;
                return Some(Said::Unmute(id.to_owned()));
            }
            _ => {}
        }
        let alert = Alert::from_event(event, logged_ms)?;
        if !self.by_alert.contains_key(&alert.alert_id) {
            self.order.push_back(Arc::clone(&alert.alert_id));
            if self.order.len() > ALERTS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_alert.remove(&oldest);
            }
        }
        let found = self.by_alert.entry(Arc::clone(&alert.alert_id)).or_default();
        let slot = match alert.step {
            Step::Acknowledged => &mut found.acknowledged,
            Step::Resolved => &mut found.dismissed,
            Step::Firing => unreachable!("nobody answers by firing"),
        };
        if slot.is_none() {
            *slot = Some(alert.clone());
        }
        Some(Said::Answer(Box::new(alert)))
    }

    /// The answers to an alert so far, in the order of its steps.
    pub(crate) fn to(&self, alert_id: &str) -> impl Iterator<Item = &Alert> {
        let given = self.by_alert.get(alert_id).into_iter();
        given.flat_map(|given| given.acknowledged.iter().chain(&given.dismissed))
    }
}
