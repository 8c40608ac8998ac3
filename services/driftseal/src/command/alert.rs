//! `driftseal alert list|acknowledge|dismiss`: what a person says about an alert, as an event beside
//! it.
//!
//! Acknowledging tells receivers that somebody has taken it; dismissing ends the episode for them.
//! Neither changes what the monitor computes: it resolves its alert by itself when the effect is
//! gone.

use std::collections::BTreeMap;
use std::time::Duration;

use event::{ColumnId, Decoder, Event, EventBuilder, Limits, Timestamp, TopicPartition, schema};
use ports::{EventLog, Outgoing, Polled, Position, Subscription, publish_and_wait};
use serde::Serialize;
use service::clock::{Stopwatch, now_micros};

use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

/// Longest wait for the log.
const WAIT: Duration = Duration::from_secs(60);
/// Silence after which the rest of a partition is taken to hold no record.
const SILENCE: Duration = Duration::from_secs(10);
/// Columns that an act takes over from its alert.
const TAKEN_OVER: [&str; 9] = [
    "tenant_id",
    "environment",
    "agent_id",
    "agent_version",
    "drift.metric",
    "drift.suite",
    "drift.direction",
    "drift.severity",
    "monitor.partition",
];

/// What to do with alerts.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Show the alerts that are firing
    List,
    /// Say that somebody has taken an alert
    Acknowledge(ActArgs),
    /// End an alert: it is none, or it is known
    Dismiss(ActArgs),
}

/// Arguments of `driftseal alert acknowledge|dismiss`.
#[derive(Debug, clap::Args)]
pub struct ActArgs {
    /// The alert: its `drift.alert_id`
    #[arg(value_name = "ALERT_ID")]
    alert_id: String,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// An alert that is firing.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Open {
    alert_id: String,
    /// The agent.
    agent_id: Option<String>,
    agent_version: Option<String>,
    metric: Option<String>,
    severity: Option<String>,
    /// When it fired.
    since: Option<String>,
    /// Who has taken it.
    acknowledged_by: Option<String>,
    #[serde(skip)]
    partition: i32,
    #[serde(skip)]
    event: Event<'static>,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topic = &config.processor.topics.alerts;
        let (args, kind) = match self {
            Self::List => {
                let open: Vec<Open> = open_alerts(&*log, topic)?.into_values().collect();
                match context.output {
                    Output::Text if open.is_empty() => print::line("no alert is firing"),
                    Output::Text => open.iter().for_each(|alert| print::line(alert.to_text())),
                    Output::Json => print::json(&open),
                }
                return Ok(Ended::Done);
            }
            Self::Acknowledge(args) => (args, "drift.alert.acknowledged"),
            Self::Dismiss(args) => (args, "drift.alert.dismissed"),
        };
        let at = act(&*log, topic, &args, kind)?;
        match context.output {
            Output::Text => print::line(format!("{kind}: {}@{}", at.partition, at.offset)),
            Output::Json => print::json(&serde_json::json!({
                "kind": kind,
                "alert_id": args.alert_id,
                "topic": &*at.partition.topic,
                "partition": at.partition.partition,
                "offset": at.offset,
            })),
        }
        Ok(Ended::Done)
    }
}

impl Open {
    fn to_text(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let mut line = format!(
            "{}  {} {} {} [{}] since {}",
            self.alert_id,
            text(&self.agent_id),
            text(&self.agent_version),
            text(&self.metric),
            text(&self.severity),
            text(&self.since),
        );
        if let Some(who) = &self.acknowledged_by {
            line.push_str(&format!(", acknowledged by {who}"));
        }
        line
    }
}

/// Publishes an act beside the alert that it is about.
fn act(log: &dyn EventLog, topic: &str, args: &ActArgs, kind: &str) -> Result<Position, Failure> {
    for (name, value) in [("--by", &args.by), ("--reason", &args.reason)] {
        if value.trim().is_empty() {
            return Err(Failure::usage(format!("`{name}` must not be empty")));
        }
    }
    let mut open = open_alerts(log, topic)?;
    let alert = open.remove(&args.alert_id).ok_or_else(|| {
        Failure::usage(format!(
            "no alert `{}` is firing; `driftseal alert list` shows those that are",
            args.alert_id
        ))
    })?;
    let mut builder = EventBuilder::new(kind)
        .set("event_id", uuid::Uuid::now_v7().to_string())
        .set("event_time", Timestamp::from_micros(now_micros()))
        .set("actor.type", "human")
        .set("actor.id", args.by.as_str())
        .set("actor.evidence_level", "self_reported")
        .set("drift.alert_id", args.alert_id.as_str())
        .set("drift.reason", args.reason.as_str());
    for path in TAKEN_OVER {
        let cell = alert.event.at(path).cloned();
        builder = builder.set_some(path, cell);
    }
    let mut value = Vec::new();
    event::encode::encode(&builder.build()?, &mut value);
    let record = Outgoing {
        topic: topic.into(),
        partition: Some(alert.partition),
        key: alert.agent_id.map(String::into_bytes),
        value: Some(value),
        ..Outgoing::default()
    };
    let positions = publish_and_wait(&*log.producer(), vec![record], WAIT)?;
    positions.into_iter().next().ok_or_else(|| Failure::new("the log gave no position"))
}

/// The alerts that are firing, by their identifier.
fn open_alerts(log: &dyn EventLog, topic: &str) -> Result<BTreeMap<String, Open>, Failure> {
    let mut open = BTreeMap::new();
    for number in 0..log.partitions(topic)? {
        let partition = TopicPartition::new(topic, number);
        read(log, &partition, |event| {
            let text = |path: &str| event.text_at(path).map(str::to_owned);
            let Some(alert_id) = text("drift.alert_id") else { return };
            match event.text_at("kind") {
                Some("drift.alert.firing" | "monitor.dead") => {
                    let time = schema().id("event_time").and_then(|id: ColumnId| event.time(id));
                    let alert = Open {
                        agent_id: text("agent_id"),
                        agent_version: text("agent_version"),
                        metric: text("drift.metric"),
                        severity: text("drift.severity"),
                        since: time.and_then(Timestamp::to_rfc3339),
                        acknowledged_by: None,
                        partition: number,
                        event: event.clone().into_owned(),
                        alert_id: alert_id.clone(),
                    };
                    open.insert(alert_id, alert);
                }
                Some("drift.alert.acknowledged") => {
                    if let Some(alert) = open.get_mut(&alert_id) {
                        alert.acknowledged_by = text("actor.id");
                    }
                }
                Some("drift.alert.resolved" | "drift.alert.dismissed" | "monitor.recovered") => {
                    open.remove(&alert_id);
                }
                Some(_) | None => {}
            }
        })?;
    }
    Ok(open)
}

/// Shows every event of a partition up to where it ends now.
pub(super) fn read(
    log: &dyn EventLog,
    partition: &TopicPartition,
    mut show: impl FnMut(&Event<'_>),
) -> Result<(), Failure> {
    let range = log.offsets(partition)?;
    let mut next = range.first;
    if next >= range.next {
        return Ok(());
    }
    let decoder = Decoder::new(Limits::default());
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()]))?;
    let mut silent = Stopwatch::start();
    while next < range.next && !silent.has_passed(SILENCE) {
        match consumer.poll(Duration::from_millis(250))? {
            Polled::Assigned(_) => consumer.seek(partition, next)?,
            Polled::Batch(batch) => {
                batch.records().for_each(|record| show(&decoder.decode(&record).event));
                next = batch.next_offset().unwrap_or(next).max(next);
                silent = Stopwatch::start();
            }
            Polled::Idle | Polled::Revoked(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::TopicSpec;
    use sim::MemoryLog;

    const TOPIC: &str = "driftseal.alerts";

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: TOPIC.to_owned(), partitions: 2, compacted: false };
        log.create_topics(&[spec]).unwrap();
        for (number, kind, id) in [
            (1, "drift.alert.pending", "a"),
            (1, "drift.alert.firing", "a"),
            (0, "drift.alert.firing", "b"),
            (0, "drift.alert.resolved", "b"),
        ] {
            let event = EventBuilder::new(kind)
                .set("event_id", format!("{kind}{id}"))
                .set("event_time", Timestamp::from_micros(0))
                .set("agent_id", "refund-desk")
                .set("drift.alert_id", id)
                .set("drift.metric", "run.error_rate")
                .build()
                .unwrap();
            let mut value = Vec::new();
            event::encode::encode(&event, &mut value);
            let record = Outgoing {
                topic: TOPIC.into(),
                partition: Some(number),
                value: Some(value),
                ..Outgoing::default()
            };
            publish_and_wait(&*log.producer(), vec![record], WAIT).unwrap();
        }
        log
    }

    fn args(alert_id: &str) -> ActArgs {
        let (by, reason) = ("ana".to_owned(), "looking into it".to_owned());
        ActArgs { alert_id: alert_id.to_owned(), by, reason }
    }

    #[test]
    fn an_alert_is_taken_and_then_ended_beside_where_it_fired() {
        let log = log();
        assert_eq!(open_alerts(&log, TOPIC).unwrap().keys().collect::<Vec<_>>(), ["a"]);
        let at = act(&log, TOPIC, &args("a"), "drift.alert.acknowledged").unwrap();
        assert_eq!((at.partition.partition, at.offset), (1, 2));
        let taken = open_alerts(&log, TOPIC).unwrap().remove("a").unwrap();
        assert_eq!(taken.acknowledged_by.as_deref(), Some("ana"));
        assert!(taken.to_text().ends_with(", acknowledged by ana"), "{}", taken.to_text());
        act(&log, TOPIC, &args("a"), "drift.alert.dismissed").unwrap();
        assert!(open_alerts(&log, TOPIC).unwrap().is_empty());
        let mut said = Vec::new();
        let keep = |event: &Event<'_>| {
            said.push((
                event.text_at("kind").map(str::to_owned),
                event.text_at("agent_id").is_some(),
            ));
        };
        read(&log, &TopicPartition::new(TOPIC, 1), keep).unwrap();
        assert_eq!(said.last(), Some(&(Some("drift.alert.dismissed".to_owned()), true)));
    }

    #[test]
    fn what_does_not_fire_cannot_be_taken_and_nobody_is_nobody() {
        let log = log();
        for alert_id in ["b", "none"] {
            let failure = act(&log, TOPIC, &args(alert_id), "drift.alert.dismissed").unwrap_err();
            assert!(failure.message().contains("alert list"), "{}", failure.message());
        }
        let nobody = ActArgs { by: " ".to_owned(), ..args("a") };
        let failure = act(&log, TOPIC, &nobody, "drift.alert.dismissed").unwrap_err();
        assert!(failure.message().contains("--by"), "{}", failure.message());
    }
}
