//! `driftseal alert list|acknowledge|dismiss`: what a person says about an alert, as an event beside
//! it.
//!
//! Acknowledging tells receivers that somebody has taken it; dismissing ends the episode for them.
//! Neither changes what the monitor computes: it resolves its alert by itself when the effect is
//! gone.

use std::collections::BTreeMap;

use event::{ColumnId, Event, Timestamp, schema};
use ports::{EventLog, Position};
use serde::Serialize;

use super::act::{self, Who};
use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

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
    #[command(flatten)]
    who: Who,
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
    /// The suppression because of which nobody was told.
    suppressed_by: Option<String>,
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
        if let Some(id) = &self.suppressed_by {
            line.push_str(&format!(", suppressed by {id}"));
        }
        line
    }
}

/// Publishes an act beside the alert that it is about.
fn act(log: &dyn EventLog, topic: &str, args: &ActArgs, kind: &str) -> Result<Position, Failure> {
    let mut builder = args.who.event(kind, "drift.reason")?;
    let mut open = open_alerts(log, topic)?;
    let alert = open.remove(&args.alert_id).ok_or_else(|| {
        Failure::usage(format!(
            "no alert `{}` is firing; `driftseal alert list` shows those that are",
            args.alert_id
        ))
    })?;
    builder = builder.set("drift.alert_id", args.alert_id.as_str());
    for path in TAKEN_OVER {
        let cell = alert.event.at(path).cloned();
        builder = builder.set_some(path, cell);
    }
    act::publish_one(log, act::record(topic, Some(alert.partition), builder.build())?)
}

/// The alerts that are firing, by their identifier.
fn open_alerts(log: &dyn EventLog, topic: &str) -> Result<BTreeMap<String, Open>, Failure> {
    let mut open = BTreeMap::new();
    act::read_topic(log, topic, |number, event| {
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
                    suppressed_by: text("drift.suppressed_by"),
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
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, TopicPartition};
    use ports::TopicSpec;
    use sim::MemoryLog;

    const TOPIC: &str = "driftseal.alerts";

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: TOPIC.to_owned(), partitions: 2, compacted: false };
        log.create_topics(&[spec]).unwrap();
        for (number, kind, id, suppressed_by) in [
            (1, "drift.alert.pending", "a", Some("s")),
            (1, "drift.alert.firing", "a", Some("s")),
            (0, "drift.alert.firing", "b", None),
            (0, "drift.alert.resolved", "b", None),
        ] {
            let event = EventBuilder::new(kind)
                .set("event_id", format!("{kind}{id}"))
                .set("event_time", Timestamp::from_micros(0))
                .set("agent_id", "refund-desk")
                .set("drift.alert_id", id)
                .set("drift.metric", "run.error_rate")
                .set_some("drift.suppressed_by", suppressed_by)
                .build();
            act::publish_one(&log, act::record(TOPIC, Some(number), event).unwrap()).unwrap();
        }
        log
    }

    fn args(alert_id: &str) -> ActArgs {
        let who = Who { by: "ana".to_owned(), reason: "looking into it".to_owned() };
        ActArgs { alert_id: alert_id.to_owned(), who }
    }

    #[test]
    fn an_alert_is_taken_and_then_ended_beside_where_it_fired() {
        let log = log();
        assert_eq!(open_alerts(&log, TOPIC).unwrap().keys().collect::<Vec<_>>(), ["a"]);
        let at = act(&log, TOPIC, &args("a"), "drift.alert.acknowledged").unwrap();
        assert_eq!((at.partition.partition, at.offset), (1, 2));
        let taken = open_alerts(&log, TOPIC).unwrap().remove("a").unwrap();
        assert_eq!(taken.acknowledged_by.as_deref(), Some("ana"));
        let says = ", acknowledged by ana, suppressed by s";
        assert!(taken.to_text().ends_with(says), "{}", taken.to_text());
        act(&log, TOPIC, &args("a"), "drift.alert.dismissed").unwrap();
        assert!(open_alerts(&log, TOPIC).unwrap().is_empty());
        let mut said = Vec::new();
        let keep = |event: &Event<'_>| {
            said.push((
                event.text_at("kind").map(str::to_owned),
                event.text_at("agent_id").is_some(),
            ));
        };
        act::read(&log, &TopicPartition::new(TOPIC, 1), keep).unwrap();
        assert_eq!(said.last(), Some(&(Some("drift.alert.dismissed".to_owned()), true)));
    }

    #[test]
    fn what_does_not_fire_cannot_be_taken_and_nobody_is_nobody() {
        let log = log();
        for alert_id in ["b", "none"] {
            let failure = act(&log, TOPIC, &args(alert_id), "drift.alert.dismissed").unwrap_err();
            assert!(failure.message().contains("alert list"), "{}", failure.message());
        }
        let who = Who { by: " ".to_owned(), reason: "-".to_owned() };
        let nobody = ActArgs { who, ..args("a") };
        let failure = act(&log, TOPIC, &nobody, "drift.alert.dismissed").unwrap_err();
        assert!(failure.message().contains("--by"), "{}", failure.message());
    }
}
