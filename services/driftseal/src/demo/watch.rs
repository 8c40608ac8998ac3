//! What the processor says, as it says it.

use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, schema};
use ports::{Consumer, EventLog, LogError, Polled, Subscription};
use serde::Serialize;
use service::clock::Stopwatch;

use crate::command::Failure;

/// A drift alert that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// The agent.
    pub agent_id: String,
    /// Its version.
    pub agent_version: String,
    /// The metric.
    pub metric: String,
    /// The suite, for evaluation metrics.
    pub suite: Option<String>,
    /// page or ticket.
    pub severity: String,
    /// The version compared with.
    pub baseline_version: Option<String>,
    /// Observations of the baseline.
    pub baseline_count: Option<i64>,
    /// Mean of the baseline.
    pub baseline_value: Option<f64>,
    /// Mean since the estimated change.
    pub observed: Option<f64>,
    /// `observed` minus `baseline_value`.
    pub effect: Option<f64>,
    /// 95 % interval of the effect.
    pub effect_interval: Option<(f64, f64)>,
    /// Event time of the first observation after the estimated change, RFC 3339.
    pub since: Option<String>,
    /// Observations since then when the alert fired.
    pub since_observations: Option<i64>,
    /// Value of the e-detector.
    pub e_value: Option<f64>,
    /// The alert fires when `e_value` reaches it; a false alarm takes that many observations on
    /// average, at least.
    pub threshold: Option<f64>,
    /// Last change of the agent.
    pub last_change: Option<String>,
    /// Runs that show it.
    pub example_runs: Vec<String>,
    /// The alert event.
    pub event_id: String,
}

impl Alert {
    fn from_event(event: &Event<'_>) -> Self {
        let text = |path| event.text_at(path).map(str::to_owned);
        let id = |path| schema().id(path);
        let number = |path| id(path).and_then(|id| event.number(id));
        let int = |path| id(path).and_then(|id| event.int(id));
        Self {
            agent_id: text("agent_id").unwrap_or_default(),
            agent_version: text("agent_version").unwrap_or_default(),
            metric: text("drift.metric").unwrap_or_default(),
            suite: text("drift.suite"),
            severity: text("drift.severity").unwrap_or_default(),
            baseline_version: text("drift.baseline_version"),
            baseline_count: int("drift.baseline_count"),
            baseline_value: number("drift.baseline_value"),
            observed: number("drift.observed"),
            effect: number("drift.effect"),
            effect_interval: number("drift.effect_low").zip(number("drift.effect_high")),
            since: id("drift.since_time")
                .and_then(|id| event.time(id))
                .and_then(event::Timestamp::to_rfc3339),
            since_observations: int("drift.since_observations"),
            e_value: number("drift.e_value"),
            threshold: number("drift.threshold"),
            last_change: text("drift.last_change"),
            example_runs: match event.at("drift.example_runs") {
                Some(event::Cell::Texts(runs)) => {
                    runs.iter().map(|run| run.clone().into_owned()).collect()
                }
                Some(_) | None => Vec::new(),
            },
            event_id: text("event_id").unwrap_or_default(),
        }
    }

    /// The alert for a person, several lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let percent = |value: Option<f64>| {
            value.map_or_else(|| "?".to_owned(), |v| format!("{:.1} %", v * 100.0))
        };
        let points = |value: f64| format!("{:+.1}", value * 100.0);
        let suite = self.suite.as_ref().map(|suite| format!(" ({suite})")).unwrap_or_default();
        let mut lines = vec![format!(
            "ALERT    {} {}: {}{suite} is rising [{}]",
            self.agent_id, self.agent_version, self.metric, self.severity
        )];
        let interval = self.effect_interval.map_or_else(String::new, |(low, high)| {
            format!(", 95 % interval {} to {}", points(low), points(high))
        });
        lines.push(format!(
            "effect   {} instead of {} in {} ({} observations): {} points{interval}",
            percent(self.observed),
            percent(self.baseline_value),
            self.baseline_version.as_deref().unwrap_or("the baseline"),
            self.baseline_count.unwrap_or_default(),
            self.effect.map_or_else(|| "?".to_owned(), points),
        ));
        lines.push(format!(
            "since    {}, found after {} observations",
            self.since.as_deref().unwrap_or("?"),
            self.since_observations.unwrap_or_default(),
        ));
        lines.push(format!(
            "evidence e-value {:.0}, threshold {:.0}: a false alarm takes at least {:.0} observations on average",
            self.e_value.unwrap_or_default(),
            self.threshold.unwrap_or_default(),
            self.threshold.unwrap_or_default(),
        ));
        if let Some(change) = &self.last_change {
            lines.push(format!("change   {change}"));
        }
        if !self.example_runs.is_empty() {
            lines.push(format!("runs     {}", self.example_runs.join(", ")));
        }
        lines.join("\n")
    }
}

/// Reads topics of the log from their beginning, or from given offsets.
#[derive(Debug)]
pub(super) struct Tail {
    consumer: Box<dyn Consumer>,
    decoder: Decoder,
}

impl Tail {
    /// A reader of these partitions from these offsets on.
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
                        return Err(Failure::new("the log assigned no partition in 10 s"));
                    }
                }
            }
        }
        for (partition, offset) in &from {
            consumer.seek(partition, *offset)?;
        }
        Ok(Self { consumer, decoder: Decoder::new(Limits::default()) })
    }

    /// Every partition of a topic from its first record on.
    pub(super) fn of_topic(log: &dyn EventLog, topic: &str) -> Result<Self, Failure> {
        Self::open(log, starts(log, topic)?)
    }

    /// Hands what came to `each`: partition, next offset, event. Says whether something came.
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

/// The alerts so far, and which agents were seen to be watched.
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

    /// Takes what is there; alerts that fired since the last look.
    pub(super) fn look(&mut self, wait: Duration) -> Result<Vec<Alert>, Failure> {
        let mut new = Vec::new();
        let watched = &mut self.watched;
        let mut wait = wait;
        while self.tail.poll(wait, &mut |_, _, event| match event.text_at("kind") {
            Some("drift.alert.firing") => new.push(Alert::from_event(event)),
            Some("drift.baseline.set") if event.at("drift.bound").is_some() => {
                watched.extend(event.text_at("agent_id").map(str::to_owned));
            }
            Some(_) | None => {}
        })? {
            wait = Duration::ZERO;
        }
        self.alerts.extend(new.iter().cloned());
        Ok(new)
    }
}

/// Waits until the processor has written a tick into every partition after these offsets, which it
/// does when it has read them to the end.
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
    let mut waiting: Vec<TopicPartition> =
        open.iter().map(|(partition, _)| partition.clone()).collect();
    let mut tail = Tail::open(log, open)?;
    let started = Stopwatch::start();
    while !waiting.is_empty() {
        tail.poll(Duration::from_millis(100), &mut |partition, _, event| {
            if event.text_at("kind") == Some("monitor.tick") {
                waiting.retain(|open| open != partition);
            }
        })?;
        meanwhile()?;
        if started.has_passed(limit) {
            return Err(Failure::new(format!(
                "the processor did not finish in {} s",
                limit.as_secs()
            )));
        }
    }
    Ok(())
}
