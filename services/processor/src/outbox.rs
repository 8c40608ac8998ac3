//! Outputs of one partition on their way to the log: those that are there already, those that wait,
//! and those that are not acknowledged yet.
//!
//! At most one call is unacknowledged while the next is filled, so at most twice
//! `publish_records_max` outputs are in memory, however many one record causes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use event::{Event, column, kind, schema};
use governance::Signer;
use monitor::{Destination, Output};
use ports::{LogError, Outgoing, Position, Producer, QueueFull, Receipt, publish};
use service::clock::Stopwatch;
use service::metric_names as names;

use crate::config::Config;

/// Pause before publishing to a full queue is retried.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Both destinations.
pub(crate) const DESTINATIONS: [Destination; 2] = [Destination::Metrics, Destination::Alerts];

/// Origin of an output: the offset of its record, and its ordinal among the outputs of that record.
pub(crate) type Origin = (i64, i64);

/// State of one output partition.
#[derive(Debug)]
struct Lane {
    topic: Arc<str>,
    /// Outputs that are in the log but not covered by the snapshot.
    published: HashSet<Origin>,
    /// Offset from which on they are.
    learned_from: i64,
    /// Offset after the last acknowledged output.
    next: i64,
}

impl Lane {
    fn new(topic: &str, next: i64) -> Self {
        Self { topic: topic.into(), published: HashSet::new(), learned_from: next, next }
    }
}

/// A call that is not acknowledged yet.
#[derive(Debug)]
struct InFlight {
    receipt: Receipt,
    kinds: Vec<&'static str>,
}

/// The outputs of a partition, on their way to the log.
#[derive(Debug)]
pub(crate) struct Outbox {
    producer: Arc<dyn Producer>,
    partition: i32,
    records_max: usize,
    wait: Duration,
    metrics: Lane,
    alerts: Lane,
    records: Vec<Outgoing>,
    kinds: Vec<&'static str>,
    in_flight: Option<InFlight>,
    /// Error of the log while outputs were pushed; see [`Outbox::check`].
    failure: Option<LogError>,
}

impl Outbox {
    /// An empty outbox; the outputs before `metrics_next` and `alerts_next` are covered by the
    /// snapshot.
    pub(crate) fn new(
        config: &Config,
        producer: Arc<dyn Producer>,
        partition: i32,
        [metrics_next, alerts_next]: [i64; 2],
    ) -> Self {
        Self {
            producer,
            partition,
            records_max: config.publish_records_max,
            wait: config.publish_wait(),
            metrics: Lane::new(&config.topics.metrics, metrics_next),
            alerts: Lane::new(&config.topics.alerts, alerts_next),
            records: Vec::new(),
            kinds: Vec::new(),
            in_flight: None,
            failure: None,
        }
    }

    const fn lane(&self, destination: Destination) -> &Lane {
        match destination {
            Destination::Metrics => &self.metrics,
            Destination::Alerts => &self.alerts,
        }
    }

    const fn lane_mut(&mut self, destination: Destination) -> &mut Lane {
        match destination {
            Destination::Metrics => &mut self.metrics,
            Destination::Alerts => &mut self.alerts,
        }
    }

    /// Topic of a destination.
    pub(crate) const fn topic(&self, destination: Destination) -> &Arc<str> {
        &self.lane(destination).topic
    }

    /// Offset, in the partition of a destination, after the last acknowledged output.
    pub(crate) const fn next(&self, destination: Destination) -> i64 {
        self.lane(destination).next
    }

    /// Records which outputs of a destination are in the log already, and where its partition ends.
    pub(crate) fn learn(
        &mut self,
        destination: Destination,
        published: HashSet<Origin>,
        until: i64,
    ) {
        let lane = self.lane_mut(destination);
        lane.published = published;
        lane.next = lane.next.max(until);
    }

    /// Number of outputs that are in the log and were not computed again yet.
    pub(crate) fn known(&self) -> usize {
        self.metrics.published.len() + self.alerts.published.len()
    }

    /// Offsets, in the partitions of metrics and alerts, from which on the next owner must look for
    /// outputs that a state up to `next_offset` does not cover: the end, unless some are in the log
    /// already that are still to be computed again.
    pub(crate) fn covered(&mut self, next_offset: i64) -> [i64; 2] {
        DESTINATIONS.map(|destination| {
            let lane = self.lane_mut(destination);
            lane.published.retain(|(offset, _)| *offset >= next_offset);
            if lane.published.is_empty() { lane.next } else { lane.learned_from }
        })
    }

    /// Takes an output of the record at an offset, unless it is in the log already; alerts are signed.
    /// Publishes when there are enough for a call.
    pub(crate) fn push(&mut self, offset: i64, output: Output, signer: &Signer) {
        let lane = self.lane_mut(output.destination);
        if lane.published.remove(&(offset, output.ordinal)) {
            metrics::counter!(names::PROCESSOR_OUTPUTS_SUPPRESSED).increment(1);
            return;
        }
        if self.failure.is_some() {
            // The partition is opened again from its snapshot, and this output computed again.
            return;
        }
        let topic = Arc::clone(self.topic(output.destination));
        self.kinds.push(kind_of(&output.event));
        let record = match output.destination {
            Destination::Metrics => Outgoing::event(topic, &output.event),
            Destination::Alerts => Outgoing::event_as_json(topic, &signer.sign_alert(output.event)),
        };
        self.records.push(record.in_partition(self.partition).with_key(output.key));
        if self.records.len() >= self.records_max {
            self.failure = self.publish().err();
        }
    }

    /// Reports an error of the log while outputs were pushed.
    ///
    /// # Errors
    ///
    /// That error; the outputs pushed since then must be computed again.
    pub(crate) fn check(&mut self) -> Result<(), LogError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Publishes the waiting outputs, after the previous call is acknowledged.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn publish(&mut self) -> Result<(), LogError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.wait_for_receipt()?;
        let mut records = std::mem::take(&mut self.records);
        let kinds = std::mem::take(&mut self.kinds);
        let waiting = Stopwatch::start();
        loop {
            match publish(&*self.producer, records) {
                Ok(receipt) => {
                    self.in_flight = Some(InFlight { receipt, kinds });
                    return Ok(());
                }
                Err(QueueFull { records: returned, .. }) if !waiting.has_passed(self.wait) => {
                    records = returned;
                    std::thread::sleep(QUEUE_PAUSE);
                }
                Err(full) => return Err(full.into()),
            }
        }
    }

    /// Publishes the waiting outputs, and waits until all are acknowledged.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn settle(&mut self) -> Result<(), LogError> {
        self.publish()?;
        self.wait_for_receipt()
    }

    fn wait_for_receipt(&mut self) -> Result<(), LogError> {
        let Some(InFlight { receipt, kinds }) = self.in_flight.take() else { return Ok(()) };
        let published = receipt.wait(self.wait)?;
        assert_eq!(published.len(), kinds.len(), "the log acknowledges each record of a call");
        for (outcome, kind) in published.into_iter().zip(kinds) {
            let Position { partition, offset } = outcome?;
            let of_metrics = partition.topic == self.metrics.topic;
            let lane = if of_metrics { &mut self.metrics } else { &mut self.alerts };
            lane.next = lane.next.max(offset + 1);
            metrics::counter!(names::PROCESSOR_OUTPUTS_PUBLISHED, "kind" => kind).increment(1);
            if let Some(state) = alert_state(kind) {
                metrics::counter!(names::PROCESSOR_ALERTS, "state" => state).increment(1);
            }
        }
        Ok(())
    }
}

/// The kind of an output, as a label.
fn kind_of(event: &Event<'_>) -> &'static str {
    let kind = event.text(column::KIND).and_then(|kind| schema().kind(kind));
    let Some(kind) = kind else { unreachable!("an output is of a known kind: {event:?}") };
    &kind.name
}

/// The state of an alert after an event of this kind, as a label.
fn alert_state(kind: &str) -> Option<&'static str> {
    match kind {
        kind::DRIFT_ALERT_PENDING => Some("pending"),
        kind::DRIFT_ALERT_FIRING => Some("firing"),
        kind::DRIFT_ALERT_RESOLVED => Some("resolved"),
        _ => None,
    }
}
