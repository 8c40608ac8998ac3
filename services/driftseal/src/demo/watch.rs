//! Follows the outputs of the processor.

use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, column, kind};
use ports::{Consumer, EventLog, LogError, Polled, Subscription};
use service::clock::Stopwatch;

use super::alert::Alert;
use crate::outcome::Failure;

/// Reads partitions from given offsets on.
#[derive(Debug)]
pub(super) struct Tail {
    consumer: Box<dyn Consumer>,
    decoder: Decoder,
}

impl Tail {
    /// Reads these partitions from these offsets on.
    pub(super) fn open(
        log: &dyn EventLog,
        from: Vec<(TopicPartition, i64)>,
    ) -> Result<Self, Failure> {
        let partitions = from.iter().map(|(partition, _)| partition.clone()).collect();
        let mut consumer = log.consumer(Subscription::Partitions(partitions))?;
        let started = Stopwatch::start();
        loop {
            match consumer.poll(Duration::from_millis(100))? {
                Polled::Assigned(_) => break,
                Polled::Idle | Polled::Revoked(_) | Polled::Batch(_) => {
                    if started.has_passed(Duration::from_secs(10)) {
                        return Err(Failure::new("the log assigned no partition within 10 s"));
                    }
                }
            }
        }
        for (partition, offset) in &from {
            consumer.seek(partition, *offset)?;
        }
        Ok(Self { consumer, decoder: Decoder::new(Limits::default()) })
    }

    /// Reads all partitions of a topic from the beginning.
    pub(super) fn of_topic(log: &dyn EventLog, topic: &str) -> Result<Self, Failure> {
        Self::open(log, starts(log, topic)?)
    }

    /// Calls `each` with each event that has arrived: partition, next offset, event. Returns whether
    /// any has.
    pub(super) fn poll(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(&TopicPartition, i64, &Event<'_>),
    ) -> Result<bool, LogError> {
        let Polled::Batch(batch) = self.consumer.poll(wait)? else { return Ok(false) };
        for record in batch.records() {
            let decoded = self.decoder.decode(&record);
            each(batch.partition(), record.offset + 1, &decoded.event);
        }
        Ok(true)
    }
}

fn starts(log: &dyn EventLog, topic: &str) -> Result<Vec<(TopicPartition, i64)>, Failure> {
    (0..log.partitions(topic)?)
        .map(|partition| {
            let partition = TopicPartition::new(topic, partition);
            let first = log.offsets(&partition)?.first;
            Ok((partition, first))
        })
        .collect()
}

/// The alerts so far, and the agents that are watched.
#[derive(Debug)]
pub(super) struct Watch {
    tail: Tail,
    pub(super) alerts: Vec<Alert>,
    /// Agents that have a baseline and therefore a detector.
    pub(super) watched: std::collections::BTreeSet<String>,
}

impl Watch {
    pub(super) fn start(log: &dyn EventLog, topic: &str) -> Result<Self, Failure> {
        let watched = std::collections::BTreeSet::new();
        Ok(Self { tail: Tail::of_topic(log, topic)?, alerts: Vec::new(), watched })
    }

    /// Reads what has arrived; returns the alerts that fired since the last call.
    pub(super) fn look(&mut self, wait: Duration) -> Result<Vec<Alert>, Failure> {
        let mut new = Vec::new();
        let watched = &mut self.watched;
        let mut wait = wait;
        while self.tail.poll(wait, &mut |_, _, event| match event.text(column::KIND) {
            Some(kind::DRIFT_ALERT_FIRING) => new.extend(Alert::from_event(event)),
            Some(kind::DRIFT_BASELINE_SET) if event.get(column::drift::BOUND).is_some() => {
                watched.extend(event.text(column::AGENT_ID).map(str::to_owned));
            }
            Some(_) | None => {}
        })? {
            wait = Duration::ZERO;
        }
        self.alerts.extend(new.iter().cloned());
        Ok(new)
    }
}

/// Waits until the owner of each partition of a topic has admitted the act at an offset of the governance
/// topic. Partitions are read from these ends on, where they were before the act.
pub(super) fn wait_for_admissions(
    log: &dyn EventLog,
    ends: Vec<(TopicPartition, i64)>,
    act: i64,
    limit: Duration,
) -> Result<(), Failure> {
    let mut waiting: Vec<_> = ends.iter().map(|(partition, _)| partition.clone()).collect();
    let mut tail = Tail::open(log, ends)?;
    let started = Stopwatch::start();
    while !waiting.is_empty() {
        tail.poll(Duration::from_millis(20), &mut |partition, _, event| {
            let next = event.int(column::monitor::ADMITTED_NEXT);
            let is_admission = event.text(column::KIND) == Some(kind::MONITOR_ADMITTED);
            if is_admission && next.is_some_and(|next| next > act) {
                waiting.retain(|other| other != partition);
            }
        })?;
        if started.has_passed(limit) {
            return Err(Failure::new(format!(
                "the processor did not admit an act within {} s",
                limit.as_secs()
            )));
        }
    }
    Ok(())
}

/// The ends of the partitions of a topic.
pub(super) fn ends(log: &dyn EventLog, topic: &str) -> Result<Vec<(TopicPartition, i64)>, Failure> {
    let mut ends = starts(log, topic)?;
    for (partition, end) in &mut ends {
        *end = log.offsets(partition)?.next;
    }
    Ok(ends)
}

/// Waits until the processor has read all that the partitions hold now: its ticks contain its read
/// position.
pub(super) fn wait_for_ticks(
    log: &dyn EventLog,
    topic: &str,
    limit: Duration,
    mut meanwhile: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut open: Vec<(TopicPartition, i64)> = Vec::new();
    for (partition, first) in starts(log, topic)? {
        let next = log.offsets(&partition)?.next;
        if next > first {
            open.push((partition, next));
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut waiting = open.clone();
    let mut tail = Tail::open(log, open)?;
    let started = Stopwatch::start();
    while !waiting.is_empty() {
        tail.poll(Duration::from_millis(100), &mut |partition, _, event| {
            let read = event.int(column::monitor::NEXT_OFFSET);
            if let Some(read) =
                read.filter(|_| event.text(column::KIND) == Some(kind::MONITOR_TICK))
            {
                waiting.retain(|(open, end)| open != partition || read < *end);
            }
        })?;
        meanwhile()?;
        if started.has_passed(limit) {
            return Err(Failure::new(format!(
                "the processor did not catch up within {} s",
                limit.as_secs()
            )));
        }
    }
    Ok(())
}
