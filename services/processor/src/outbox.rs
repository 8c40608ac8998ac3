//! Outputs of one partition on their way into the log: what is there already, what waits, what is
//! not acknowledged yet.
//!
//! At most one call is unacknowledged while the next is filled, so at most twice
//! `publish_records_max` outputs are held, however many come of one record.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use event::encode;
use monitor::{Destination, Output};
use ports::{LogError, Outgoing, Position, Producer, Published};
use service::clock::Stopwatch;
use service::metric_names as names;

use crate::config::Config;

/// Pause before a full queue is tried again.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Which record and which of its outputs.
pub(crate) type Origin = (i64, i64);

/// Outputs published in one call that is not acknowledged yet.
#[derive(Debug)]
struct InFlight {
    answer: Receiver<Published>,
    kinds: Vec<&'static str>,
}

/// The outputs of a partition.
#[derive(Debug)]
pub(crate) struct Outbox {
    producer: Arc<dyn Producer>,
    partition: i32,
    records_max: usize,
    wait: Duration,
    topics: [Arc<str>; 2],
    /// Outputs that the log holds though no snapshot covers them; by destination.
    published: [HashSet<Origin>; 2],
    /// Offset in each output partition from which on these are.
    learned_from: [i64; 2],
    /// Offset in each output partition before which every acknowledged output is.
    next: [i64; 2],
    records: Vec<Outgoing>,
    kinds: Vec<&'static str>,
    in_flight: Option<InFlight>,
    /// What the log said while outputs were taken; see [`Outbox::check`].
    failure: Option<LogError>,
}

/// Number of a destination in the arrays.
const fn index_of(destination: Destination) -> usize {
    match destination {
        Destination::Metrics => 0,
        Destination::Alerts => 1,
    }
}

impl Outbox {
    /// An empty one; every output before `next` is in the log.
    pub(crate) fn new(
        config: &Config,
        producer: Arc<dyn Producer>,
        partition: i32,
        next: [i64; 2],
    ) -> Self {
        Self {
            producer,
            partition,
            records_max: config.publish_records_max.max(1),
            wait: config.publish_wait(),
            topics: [config.topics.metrics.as_str().into(), config.topics.alerts.as_str().into()],
            published: [HashSet::new(), HashSet::new()],
            learned_from: next,
            next,
            records: Vec::new(),
            kinds: Vec::new(),
            in_flight: None,
            failure: None,
        }
    }

    /// Topics of the outputs, and the offset in each before which every acknowledged output is.
    pub(crate) fn ends(&self) -> [(Arc<str>, i64); 2] {
        let [metrics, alerts] = self.topics.clone();
        [(metrics, self.next[0]), (alerts, self.next[1])]
    }

    /// The log holds these outputs of a topic, and ends there.
    pub(crate) fn learn(&mut self, index: usize, published: HashSet<Origin>, until: i64) {
        if let (Some(known), Some(next)) = (self.published.get_mut(index), self.next.get_mut(index))
        {
            *known = published;
            *next = until.max(*next);
        }
    }

    /// Outputs that the log holds and that were not computed yet.
    pub(crate) fn known(&self) -> usize {
        self.published.iter().map(HashSet::len).sum()
    }

    /// Offset in each output partition from which on the next owner has to look for outputs that a
    /// state up to `next_offset` does not cover. Where some are there already that are still to be
    /// computed again, it is that from which on these are.
    pub(crate) fn covered(&mut self, next_offset: i64) -> [i64; 2] {
        let mut covered = self.next;
        let places = covered.iter_mut().zip(self.learned_from);
        for ((covered, learned_from), published) in places.zip(&mut self.published) {
            published.retain(|(offset, _)| *offset >= next_offset);
            if !published.is_empty() {
                *covered = learned_from;
            }
        }
        covered
    }

    /// Takes an output of the record at that offset; keeps silent about one that is there. Publishes
    /// when enough have come.
    pub(crate) fn push(&mut self, offset: i64, output: &Output) {
        let index = index_of(output.destination);
        let known = self.published.get_mut(index);
        if known.is_some_and(|known| known.remove(&(offset, output.ordinal))) {
            metrics::counter!(names::PROCESSOR_OUTPUTS_SUPPRESSED).increment(1);
            return;
        }
        let Some(topic) = self.topics.get(index).filter(|_| self.failure.is_none()) else { return };
        let mut value = Vec::new();
        encode::encode(&output.event, &mut value);
        self.records.push(Outgoing {
            topic: Arc::clone(topic),
            partition: Some(self.partition),
            key: Some(output.key.clone()),
            value: Some(value),
            headers: Vec::new(),
        });
        self.kinds.push(label_of(output.event.text_at("kind").unwrap_or_default()));
        if self.records.len() >= self.records_max {
            self.failure = self.publish().err();
        }
    }

    /// What the log said while outputs were taken.
    ///
    /// # Errors
    ///
    /// Just that; the outputs since then are lost, and must be computed again.
    pub(crate) fn check(&mut self) -> Result<(), LogError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Publishes what waits; waits first for what was published before.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn publish(&mut self) -> Result<(), LogError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.wait_for_answer()?;
        let records = std::mem::take(&mut self.records);
        let kinds = std::mem::take(&mut self.kinds);
        let waiting = Stopwatch::start();
        loop {
            let (sender, answer) = sync_channel(1);
            let done = Box::new(move |published: Published| {
                // Nobody waits any more when the worker was dropped.
                drop(sender.try_send(published));
            });
            match self.producer.publish(records.clone(), done) {
                Ok(()) => {
                    self.in_flight = Some(InFlight { answer, kinds });
                    return Ok(());
                }
                Err(LogError::QueueFull { .. }) if !waiting.has_passed(self.wait) => {
                    std::thread::sleep(QUEUE_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Publishes what waits, and waits until everything is acknowledged.
    ///
    /// # Errors
    ///
    /// What the log says.
    pub(crate) fn settle(&mut self) -> Result<(), LogError> {
        self.publish()?;
        self.wait_for_answer()
    }

    fn wait_for_answer(&mut self) -> Result<(), LogError> {
        let Some(InFlight { answer, kinds }) = self.in_flight.take() else { return Ok(()) };
        let wait = self.wait;
        let published = answer
            .recv_timeout(wait)
            .map_err(|_| LogError::Unavailable(format!("no acknowledgement in {wait:?}")))?;
        for (outcome, kind) in published.into_iter().zip(kinds) {
            let Position { partition, offset } = outcome?;
            let index = usize::from(partition.topic != self.topics[0]);
            if let Some(next) = self.next.get_mut(index) {
                *next = (*next).max(offset.saturating_add(1));
            }
            metrics::counter!(names::PROCESSOR_OUTPUTS_PUBLISHED, "kind" => kind).increment(1);
            if let Some(state) = kind.strip_prefix("drift.alert.") {
                metrics::counter!(names::PROCESSOR_ALERTS, "state" => state).increment(1);
            }
        }
        Ok(())
    }
}

/// A kind as a bounded label.
fn label_of(kind: &str) -> &'static str {
    match kind {
        "metric.window" => "metric.window",
        "drift.baseline.set" => "drift.baseline.set",
        "drift.alert.pending" => "drift.alert.pending",
        "drift.alert.firing" => "drift.alert.firing",
        "drift.alert.resolved" => "drift.alert.resolved",
        "monitor.alive" => "monitor.alive",
        "monitor.gap" => "monitor.gap",
        _ => "other",
    }
}
