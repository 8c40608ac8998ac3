//! `driftseal alert list|acknowledge|dismiss`: what a person says about an alert, as an event beside
//! it.
//!
//! Acknowledging tells receivers that somebody has taken it; dismissing ends the episode for them.
//! Neither changes what the monitor computes: it resolves its alert by itself when the effect is
//! gone.

use std::collections::BTreeMap;

use event::{ColumnId, Event, Timestamp, column, kind};
use ports::{EventLog, Position};
use serde::Serialize;

use super::act::{self, Who};
use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

/// Columns that an act takes over from its alert.
const TAKEN_OVER: [ColumnId; 9] = [
    column::TENANT_ID.id(),
    column::ENVIRONMENT.id(),
    column::AGENT_ID.id(),
    column::AGENT_VERSION.id(),
    column::drift::METRIC.id(),
    column::drift::SUITE.id(),
    column::drift::DIRECTION.id(),
    column::drift::SEVERITY.id(),
    column::monitor::PARTITION.id(),
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
            Self::Acknowledge(args) => (args, kind::DRIFT_ALERT_ACKNOWLEDGED),
            Self::Dismiss(args) => (args, kind::DRIFT_ALERT_DISMISSED),
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
    let mut builder = args.who.event(kind, column::drift::REASON)?;
    let mut open = open_alerts(log, topic)?;
    let alert = open.remove(&args.alert_id).ok_or_else(|| {
        Failure::usage(format!(
            "no alert `{}` is firing; `driftseal alert list` shows those that are",
            args.alert_id
        ))
    })?;
    builder = builder.set(column::drift::ALERT_ID, args.alert_id.as_str());
    for column in TAKEN_OVER {
        if let Some(cell) = alert.event.get(column) {
            builder = builder.set_cell(column, cell.clone());
        }
    }
    act::publish_one(log, act::record(topic, Some(alert.partition), builder.build())?)
}

/// The alerts that are firing, by their identifier.
fn open_alerts(log: &dyn EventLog, topic: &str) -> Result<BTreeMap<String, Open>, Failure> {
    let mut open = BTreeMap::new();
    act::read_topic(log, topic, |number, event| {
        let text = |column| event.text(column).map(str::to_owned);
        let Some(alert_id) = text(column::drift::ALERT_ID) else { return };
        match event.text(column::KIND) {
            Some(kind::DRIFT_ALERT_FIRING | kind::MONITOR_DEAD) => {
                let time = event.time(column::EVENT_TIME);
                let alert = Open {
                    agent_id: text(column::AGENT_ID),
                    agent_version: text(column::AGENT_VERSION),
                    metric: text(column::drift::METRIC),
                    severity: text(column::drift::SEVERITY),
                    since: time.and_then(Timestamp::to_rfc3339),
                    acknowledged_by: None,
                    suppressed_by: text(column::drift::SUPPRESSED_BY),
                    partition: number,
                    event: event.clone().into_owned(),
                    alert_id: alert_id.clone(),
                };
                open.insert(alert_id, alert);
            }
            Some(kind::DRIFT_ALERT_ACKNOWLEDGED) => {
                if let Some(alert) = open.get_mut(&alert_id) {
                    alert.acknowledged_by = text(column::actor::ID);
                }
            }
            Some(
                kind::DRIFT_ALERT_RESOLVED | kind::DRIFT_ALERT_DISMISSED | kind::MONITOR_RECOVERED,
            ) => {
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
            (1, kind::DRIFT_ALERT_PENDING, "a", Some("s")),
            (1, kind::DRIFT_ALERT_FIRING, "a", Some("s")),
            (0, kind::DRIFT_ALERT_FIRING, "b", None),
            (0, kind::DRIFT_ALERT_RESOLVED, "b", None),
        ] {
            let event = EventBuilder::new(kind)
                .set(column::EVENT_ID, format!("{kind}{id}"))
                .set(column::EVENT_TIME, Timestamp::from_micros(0))
                .set(column::AGENT_ID, "refund-desk")
                .set(column::drift::ALERT_ID, id)
                .set(column::drift::METRIC, "run.error_rate")
                .set_some(column::drift::SUPPRESSED_BY, suppressed_by)
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
        let at = act(&log, TOPIC, &args("a"), kind::DRIFT_ALERT_ACKNOWLEDGED).unwrap();
        assert_eq!((at.partition.partition, at.offset), (1, 2));
        let taken = open_alerts(&log, TOPIC).unwrap().remove("a").unwrap();
        assert_eq!(taken.acknowledged_by.as_deref(), Some("ana"));
        let says = ", acknowledged by ana, suppressed by s";
        assert!(taken.to_text().ends_with(says), "{}", taken.to_text());
        act(&log, TOPIC, &args("a"), kind::DRIFT_ALERT_DISMISSED).unwrap();
        assert!(open_alerts(&log, TOPIC).unwrap().is_empty());
        let mut said = Vec::new();
        let keep = |event: &Event<'_>| {
            said.push((
                event.text(column::KIND).map(str::to_owned),
                event.text(column::AGENT_ID).is_some(),
            ));
        };
        act::read(&log, &TopicPartition::new(TOPIC, 1), keep).unwrap();
        assert_eq!(said.last(), Some(&(Some(kind::DRIFT_ALERT_DISMISSED.to_owned()), true)));
    }

    #[test]
    fn what_does_not_fire_cannot_be_taken_and_nobody_is_nobody() {
        let log = log();
        for alert_id in ["b", "none"] {
            let failure =
                act(&log, TOPIC, &args(alert_id), kind::DRIFT_ALERT_DISMISSED).unwrap_err();
            assert!(failure.message().contains("alert list"), "{}", failure.message());
        }
        let who = Who { by: " ".to_owned(), reason: "-".to_owned() };
        let nobody = ActArgs { who, ..args("a") };
        let failure = act(&log, TOPIC, &nobody, kind::DRIFT_ALERT_DISMISSED).unwrap_err();
        assert!(failure.message().contains("--by"), "{}", failure.message());
    }
}
