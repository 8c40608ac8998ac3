//! `driftseal suppress add|end|list`: tell nobody of certain alerts of an agent until a time.
//!
//! The request is an event in the agent's own partition; the monitor answers it in the alerts
//! topic. Detection goes on, alerts are recorded and marked, and those that outlast the suppression
//! are told when it ends.

use std::collections::BTreeMap;

use event::{Timestamp, column, kind};
use ports::{EventLog, Position};
use serde::Serialize;
use serde_json::json;
use service::clock::now_micros;

use super::act::{self, Stretch, Who};
use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

/// What to do with suppressions.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Tell nobody of alerts of an agent until then
    Add(AddArgs),
    /// End a suppression: its alerts that still fire are told
    End(EndArgs),
    /// Show the suppressions that the monitor has applied
    List,
}

/// Arguments of `driftseal suppress add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Its tenant, if its events name one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Only in this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only alerts of this version
    #[arg(long, value_name = "VERSION")]
    agent_version: Option<String>,
    /// Only alerts of this metric, for example run.error_rate
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Only alerts of this eval suite
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Only alerts of this severity
    #[arg(long, value_name = "SEVERITY", value_parser = ["page", "ticket"])]
    severity: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
    #[command(flatten)]
    who: Who,
}

/// Arguments of `driftseal suppress end`.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// The suppression, as `driftseal suppress list` shows it
    #[arg(value_name = "SUPPRESSION_ID")]
    suppression_id: String,
    #[command(flatten)]
    who: Who,
}

/// A suppression that the monitor has applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Applied {
    suppression_id: String,
    agent_id: String,
    tenant_id: Option<String>,
    environment: Option<String>,
    agent_version: Option<String>,
    metric: Option<String>,
    suite: Option<String>,
    severity: Option<String>,
    /// When it begins and ends.
    from: Option<String>,
    until: Option<String>,
    #[serde(skip)]
    until_micros: i64,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topics = &config.processor.topics;
        let now = Timestamp::from_micros(now_micros());
        let (kind, (id, at)) = match self {
            Self::List => {
                let applied = applied(&*log, &topics.alerts, now)?;
                let applied: Vec<Applied> = applied.into_values().collect();
                match context.output {
                    Output::Text if applied.is_empty() => print::line("nothing is suppressed"),
                    Output::Text => applied.iter().for_each(|one| print::line(one.to_text())),
                    Output::Json => print::json(&applied),
                }
                return Ok(Ended::Done);
            }
            Self::Add(args) => {
                (kind::DRIFT_SUPPRESSION_STARTED, add(&*log, &topics.events, &args, now)?)
            }
            Self::End(args) => (
                kind::DRIFT_SUPPRESSION_ENDED,
                end(&*log, &topics.events, &topics.alerts, &args, now)?,
            ),
        };
        match context.output {
            Output::Text => print::line(format!(
                "{kind} {id}: {}@{}; `driftseal suppress list` shows what is applied",
                at.partition, at.offset
            )),
            Output::Json => print::json(&json!({
                "kind": kind,
                "suppression_id": id,
                "topic": &*at.partition.topic,
                "partition": at.partition.partition,
                "offset": at.offset,
            })),
        }
        Ok(Ended::Done)
    }
}

impl Applied {
    fn to_text(&self) -> String {
        act::line(
            &format!("{}  {}", self.suppression_id, self.agent_id),
            &[
                ("tenant", &self.tenant_id),
                ("environment", &self.environment),
                ("version", &self.agent_version),
                ("metric", &self.metric),
                ("suite", &self.suite),
                ("severity", &self.severity),
                ("from", &self.from),
                ("until", &self.until),
            ],
        )
    }
}

/// Publishes a request; its identifier and where it is.
fn add(
    log: &dyn EventLog,
    topic: &str,
    args: &AddArgs,
    now: Timestamp,
) -> Result<(String, Position), Failure> {
    if args.agent.is_empty() {
        return Err(Failure::usage("`--agent` must not be empty"));
    }
    let (_, until) = args.stretch.resolve(now)?;
    let event = args
        .who
        .event(kind::DRIFT_SUPPRESSION_STARTED, column::drift::REASON)?
        .set(column::AGENT_ID, args.agent.as_str())
        .set_some(column::TENANT_ID, args.tenant.as_deref())
        .set_some(column::ENVIRONMENT, args.environment.as_deref())
        .set_some(column::AGENT_VERSION, args.agent_version.as_deref())
        .set_some(column::drift::METRIC, args.metric.as_deref())
        .set_some(column::drift::SUITE, args.suite.as_deref())
        .set_some(column::drift::SEVERITY, args.severity.as_deref())
        .set_some(column::drift::FROM, args.stretch.from)
        .set(column::drift::UNTIL, until)
        .build()?;
    let id = event.text(column::EVENT_ID).unwrap_or_default().to_owned();
    let at = act::publish_one(log, act::record(topic, None, Ok(event))?)?;
    Ok((id, at))
}

/// Publishes the end of a suppression; its identifier and where that is.
fn end(
    log: &dyn EventLog,
    events: &str,
    alerts: &str,
    args: &EndArgs,
    now: Timestamp,
) -> Result<(String, Position), Failure> {
    let id = &args.suppression_id;
    let builder = args.who.event(kind::DRIFT_SUPPRESSION_ENDED, column::drift::REASON)?;
    let applied = applied(log, alerts, now)?.remove(id).ok_or_else(|| {
        Failure::usage(format!(
            "no suppression `{id}` is applied; `driftseal suppress list` shows those that are"
        ))
    })?;
    let event = builder
        .set(column::AGENT_ID, applied.agent_id)
        .set_some(column::TENANT_ID, applied.tenant_id)
        .set_some(column::ENVIRONMENT, applied.environment)
        .set(column::drift::SUPPRESSION_ID, id.as_str())
        .build();
    let at = act::publish_one(log, act::record(events, None, event)?)?;
    Ok((id.clone(), at))
}

/// Suppressions that hold or will, by their identifiers.
fn applied(
    log: &dyn EventLog,
    topic: &str,
    now: Timestamp,
) -> Result<BTreeMap<String, Applied>, Failure> {
    let mut all = BTreeMap::new();
    act::read_topic(log, topic, |_, event| {
        let text = |column| event.text(column).map(str::to_owned);
        let time = |column| event.time(column);
        let Some(suppression_id) = text(column::drift::SUPPRESSION_ID) else { return };
        match event.text(column::KIND) {
            Some(kind::DRIFT_SUPPRESSION_APPLIED) => {
                let applied = Applied {
                    agent_id: text(column::AGENT_ID).unwrap_or_default(),
                    tenant_id: text(column::TENANT_ID),
                    environment: text(column::ENVIRONMENT),
                    agent_version: text(column::AGENT_VERSION),
                    metric: text(column::drift::METRIC),
                    suite: text(column::drift::SUITE),
                    severity: text(column::drift::SEVERITY),
                    from: time(column::drift::FROM).map(act::text_of),
                    until: time(column::drift::UNTIL).map(act::text_of),
                    until_micros: time(column::drift::UNTIL).map_or(i64::MAX, Timestamp::micros),
                    suppression_id: suppression_id.clone(),
                };
                all.insert(suppression_id, applied);
            }
            Some(kind::DRIFT_SUPPRESSION_CLOSED) => {
                all.remove(&suppression_id);
            }
            Some(_) | None => {}
        }
    })?;
    all.retain(|_, applied| applied.until_micros > now.micros());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::EventBuilder;
    use ports::TopicSpec;
    use sim::MemoryLog;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn who() -> Who {
        Who { by: "ana".to_owned(), reason: "known: the provider is down".to_owned() }
    }

    fn args(agent: &str, duration: i64) -> AddArgs {
        AddArgs {
            agent: agent.to_owned(),
            tenant: None,
            environment: Some("production".to_owned()),
            agent_version: None,
            metric: Some("run.error_rate".to_owned()),
            suite: None,
            severity: None,
            stretch: Stretch { duration: Some(duration), ..Stretch::default() },
            who: who(),
        }
    }

    /// What the monitor would answer.
    fn answer(log: &MemoryLog, kind: &str, id: &str, until: i64) {
        let event = EventBuilder::new(kind)
            .set(column::EVENT_ID, format!("{kind}{id}"))
            .set(column::EVENT_TIME, NOW)
            .set(column::AGENT_ID, "refund-desk")
            .set(column::ENVIRONMENT, "production")
            .set(column::drift::SUPPRESSION_ID, id)
            .set(column::drift::METRIC, "run.error_rate")
            .set(column::drift::UNTIL, Timestamp::from_micros(until))
            .build();
        act::publish_one(log, act::record("alerts", Some(0), event).unwrap()).unwrap();
    }

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let topic = |name: &str| TopicSpec { name: name.into(), partitions: 3, compacted: false };
        log.create_topics(&[topic("events"), topic("alerts")]).unwrap();
        log
    }

    #[test]
    fn a_suppression_goes_to_its_agent_and_ends_there() {
        let log = log();
        let (id, at) = add(&log, "events", &args("refund-desk", 60_000_000), NOW).unwrap();
        assert_eq!(at.partition.partition, ports::partition_of(b"refund-desk", 3));
        answer(&log, kind::DRIFT_SUPPRESSION_APPLIED, &id, NOW.micros() + 60_000_000);
        answer(&log, kind::DRIFT_SUPPRESSION_APPLIED, "past", NOW.micros());
        let found = applied(&log, "alerts", NOW).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&id]);
        let expected = format!(
            "{id}  refund-desk environment production metric run.error_rate until \
             1970-01-01T00:17:40.000000Z"
        );
        assert_eq!(found[&id].to_text(), expected);

        let wanted = EndArgs { suppression_id: id.clone(), who: who() };
        let (_, ended) = end(&log, "events", "alerts", &wanted, NOW).unwrap();
        assert_eq!((ended.partition.partition, ended.offset), (at.partition.partition, 1));
        let mut said = Vec::new();
        act::read_topic(&log, "events", |_, event| {
            let text = |column| event.text(column).unwrap_or_default().to_owned();
            said.push(
                [
                    column::KIND,
                    column::actor::ID,
                    column::drift::REASON,
                    column::drift::SUPPRESSION_ID,
                ]
                .map(text),
            );
        })
        .unwrap();
        let reason = who().reason;
        assert_eq!(said[0], [kind::DRIFT_SUPPRESSION_STARTED, "ana", &reason, ""]);
        assert_eq!(said[1], [kind::DRIFT_SUPPRESSION_ENDED, "ana", &reason, &id]);

        answer(&log, kind::DRIFT_SUPPRESSION_CLOSED, &id, 0);
        assert!(applied(&log, "alerts", NOW).unwrap().is_empty());
        let failure = end(&log, "events", "alerts", &wanted, NOW).unwrap_err();
        assert!(failure.message().contains("suppress list"), "{}", failure.message());
    }

    #[test]
    fn what_is_wrong_is_said_by_the_name_of_its_option() {
        let log = log();
        let nobody = AddArgs { who: Who { by: " ".into(), ..who() }, ..args("a", 1) };
        let no_reason = AddArgs { who: Who { reason: String::new(), ..who() }, ..args("a", 1) };
        for (args, says) in [
            (nobody, "`--by`"),
            (no_reason, "`--reason`"),
            (args("", 1), "`--agent`"),
            (args("a", 31 * 24 * 3_600 * 1_000_000), "`--for`"),
        ] {
            let failure = add(&log, "events", &args, NOW).unwrap_err();
            assert!(failure.message().contains(says), "{}", failure.message());
        }
        assert_eq!(log.offsets(&event::TopicPartition::new("events", 0)).unwrap().next, 0);
    }
}
