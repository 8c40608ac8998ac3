//! `driftseal alert list|acknowledge|dismiss`.
//!
//! Acknowledging tells receivers that somebody is working on an alert; dismissing ends it for them.
//! Neither affects the monitor, which resolves the alert when the effect is gone.

use std::collections::BTreeMap;

use act::Stamp;
use act::alert::{Answer, Open};
use ports::{EventLog, Position};
use serde_json::{Value, json};

use super::context::Context;
use super::options::{self, ActorArgs};
use super::topic;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};
use crate::roles;

/// What to do with alerts.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List firing alerts
    List,
    /// Acknowledge an alert: tell its receivers that somebody is working on it
    Acknowledge(AnswerArgs),
    /// Dismiss an alert: end it for its receivers, as known or false
    Dismiss(AnswerArgs),
}

/// Arguments of `driftseal alert acknowledge|dismiss`.
#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    /// Alert, from `driftseal alert list`
    #[arg(value_name = "ALERT_ID")]
    alert_id: String,
    #[command(flatten)]
    actor: ActorArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let alerts = &config.processor.topics.alerts;
        let (args, answer) = match self {
            Self::List => {
                let open: Vec<Open> = open_alerts(&*log, alerts)?.into_values().collect();
                match context.output {
                    Output::Text if open.is_empty() => print::line("no alert is firing"),
                    Output::Text => open.iter().for_each(|alert| print::line(alert.to_string())),
                    Output::Json => print::json(&open.iter().map(json_of).collect::<Vec<_>>()),
                }
                return Ok(Ended::Done);
            }
            Self::Acknowledge(args) => (args, Answer::Acknowledge),
            Self::Dismiss(args) => (args, Answer::Dismiss),
        };
        let at = publish(&*log, alerts, &args, answer, &options::stamp())?;
        let kind = answer.kind();
        match context.output {
            Output::Text => print::line(format!("{kind}: {}@{}", at.partition, at.offset)),
            Output::Json => print::json(&json!({
                "kind": kind,
                "alert_id": args.alert_id,
                "topic": alerts,
                "positions": [topic::position(&at)],
            })),
        }
        Ok(Ended::Done)
    }
}

fn json_of(alert: &Open) -> Value {
    json!({
        "alert_id": alert.alert_id,
        "agent_id": alert.target.agent_id,
        "agent_version": alert.target.agent_version,
        "metric": alert.target.metric,
        "severity": alert.target.severity,
        "since": alert.since.map(|since| since.to_string()),
        "acknowledged_by": alert.acknowledged_by,
        "suppressed_by": alert.suppressed_by,
    })
}

/// Publishes an answer to the partition of its alert.
fn publish(
    log: &dyn EventLog,
    alerts: &str,
    args: &AnswerArgs,
    answer: Answer,
    stamp: &Stamp,
) -> Result<Position, Failure> {
    let open = open_alerts(log, alerts)?;
    let alert = open.get(&args.alert_id).ok_or_else(|| {
        Failure::usage(format!(
            "alert `{}` is not firing; `driftseal alert list` shows firing alerts",
            args.alert_id
        ))
    })?;
    let event = answer.event(alert, &args.actor.actor(), stamp).map_err(options::refused)?;
    topic::publish_one(log, topic::record(alerts, Some(alert.partition), &event))
}

/// Firing alerts by identifier.
fn open_alerts(log: &dyn EventLog, alerts: &str) -> Result<BTreeMap<String, Open>, Failure> {
    let mut open = BTreeMap::new();
    topic::read_topic(log, alerts, |number, event| Open::apply(&mut open, number, event))?;
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, column, kind};
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
                .build()
                .unwrap();
            topic::publish_one(&log, topic::record(TOPIC, Some(number), &event)).unwrap();
        }
        log
    }

    fn args(alert_id: &str) -> AnswerArgs {
        let actor = ActorArgs { by: "ana".to_owned(), reason: "looking into it".to_owned() };
        AnswerArgs { alert_id: alert_id.to_owned(), actor }
    }

    fn answered(log: &MemoryLog, args: &AnswerArgs, answer: Answer) -> Result<Position, Failure> {
        publish(log, TOPIC, args, answer, &options::stamp())
    }

    #[test]
    fn an_alert_is_taken_and_then_ended_beside_where_it_fired() {
        let log = log();
        assert_eq!(open_alerts(&log, TOPIC).unwrap().keys().collect::<Vec<_>>(), ["a"]);
        let at = answered(&log, &args("a"), Answer::Acknowledge).unwrap();
        assert_eq!((at.partition.partition, at.offset), (1, 2));
        let taken = open_alerts(&log, TOPIC).unwrap().remove("a").unwrap();
        assert_eq!(taken.acknowledged_by.as_deref(), Some("ana"));
        let says = ", acknowledged by ana, suppressed by s";
        assert!(taken.to_string().ends_with(says), "{}", taken.to_string());
        answered(&log, &args("a"), Answer::Dismiss).unwrap();
        assert!(open_alerts(&log, TOPIC).unwrap().is_empty());
        let mut said = Vec::new();
        topic::read_topic(&log, TOPIC, |number, event| {
            if number == 1 {
                let kind = event.text(column::KIND).map(str::to_owned);
                said.push((kind, event.text(column::AGENT_ID).is_some()));
            }
        })
        .unwrap();
        assert_eq!(said.last(), Some(&(Some(kind::DRIFT_ALERT_DISMISSED.to_owned()), true)));
    }

    #[test]
    fn what_does_not_fire_cannot_be_taken_and_nobody_is_nobody() {
        let log = log();
        for alert_id in ["b", "none"] {
            let failure = answered(&log, &args(alert_id), Answer::Dismiss).unwrap_err();
            assert!(failure.message().contains("alert list"), "{}", failure.message());
        }
        let actor = ActorArgs { by: " ".to_owned(), reason: "-".to_owned() };
        let nobody = AnswerArgs { actor, ..args("a") };
        let failure = answered(&log, &nobody, Answer::Dismiss).unwrap_err();
        assert!(failure.message().contains("--by"), "{}", failure.message());
    }
}
