//! `driftseal maintenance start|end|list`: a stretch of event time that says nothing about an
//! agent, or about any.
//!
//! What happens in it is measured, and neither tested nor part of a baseline; nobody is told of
//! silence. The request is an event in the agent's own partition, or in every partition; the
//! monitor answers it in the alerts topic.

use std::collections::BTreeMap;

use event::{EventBuilder, Timestamp, column, kind};
use ports::{EventLog, Outgoing, Position};
use serde::Serialize;
use serde_json::json;
use service::clock::now_micros;

use super::act::{self, Stretch, Who};
use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

/// What to do with maintenance windows.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Begin a window, now or when it is planned
    Start(StartArgs),
    /// End a window sooner than planned
    End(EndArgs),
    /// Show the windows that the monitor has applied and that are not over
    List,
}

/// Arguments of `driftseal maintenance start`.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// The agent
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "all_agents",
        conflicts_with = "all_agents"
    )]
    agent: Option<String>,
    /// Every agent
    #[arg(long)]
    all_agents: bool,
    /// The agent's tenant, if its events name one; with --all-agents, only those of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Only in this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
    #[command(flatten)]
    who: Who,
}

/// Arguments of `driftseal maintenance end`.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// The window, as `driftseal maintenance list` shows it
    #[arg(value_name = "MAINTENANCE_ID")]
    maintenance_id: String,
    /// When it ended, RFC 3339; now, if it is not given
    #[arg(long, value_name = "TIME", value_parser = act::parse_time)]
    at: Option<Timestamp>,
    #[command(flatten)]
    who: Who,
}

/// A window that the monitor has applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Window {
    maintenance_id: String,
    /// The agent; every agent without one.
    agent_id: Option<String>,
    tenant_id: Option<String>,
    environment: Option<String>,
    from: Option<String>,
    until: Option<String>,
    /// Partitions that have applied it.
    partitions: usize,
    #[serde(skip)]
    until_micros: i64,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topics = &config.processor.topics;
        let now = Timestamp::from_micros(now_micros());
        let (kind, (id, positions)) = match self {
            Self::List => {
                let windows = windows(&*log, &topics.alerts)?;
                let open = |window: &Window| window.until_micros > now.micros();
                let open: Vec<Window> = windows.into_values().filter(open).collect();
                match context.output {
                    Output::Text if open.is_empty() => print::line("no maintenance window is open"),
                    Output::Text => open.iter().for_each(|window| print::line(window.to_text())),
                    Output::Json => print::json(&open),
                }
                return Ok(Ended::Done);
            }
            Self::Start(args) => {
                (kind::MAINTENANCE_STARTED, start(&*log, &topics.events, &args, now)?)
            }
            Self::End(args) => {
                (kind::MAINTENANCE_ENDED, end(&*log, &topics.events, &topics.alerts, &args, now)?)
            }
        };
        match context.output {
            Output::Text => print::line(format!(
                "{kind} {id}: {} partition(s) of {}; `driftseal maintenance list` shows what is \
                 applied",
                positions.len(),
                topics.events
            )),
            Output::Json => {
                let positions: Vec<_> = positions
                    .iter()
                    .map(|at| json!({"partition": at.partition.partition, "offset": at.offset}))
                    .collect();
                print::json(&json!({
                    "kind": kind,
                    "maintenance_id": id,
                    "topic": topics.events,
                    "positions": positions,
                }));
            }
        }
        Ok(Ended::Done)
    }
}

impl Window {
    fn to_text(&self) -> String {
        let agent = self.agent_id.as_deref().unwrap_or("every agent");
        act::line(
            &format!("{}  {agent}", self.maintenance_id),
            &[
                ("tenant", &self.tenant_id),
                ("environment", &self.environment),
                ("from", &self.from),
                ("until", &self.until),
            ],
        )
    }
}

/// Publishes a window; its identifier and where it is.
fn start(
    log: &dyn EventLog,
    topic: &str,
    args: &StartArgs,
    now: Timestamp,
) -> Result<(String, Vec<Position>), Failure> {
    if args.agent.as_deref() == Some("") {
        return Err(Failure::usage("`--agent` must not be empty"));
    }
    let (from, until) = args.stretch.resolve(now)?;
    let id = uuid::Uuid::now_v7().to_string();
    let records = records(log, topic, args.agent.as_deref(), || {
        let builder = args.who.event(kind::MAINTENANCE_STARTED, column::maintenance::REASON)?;
        Ok(builder
            .set_some(column::AGENT_ID, args.agent.as_deref())
            .set_some(column::TENANT_ID, args.tenant.as_deref())
            .set_some(column::ENVIRONMENT, args.environment.as_deref())
            .set(column::maintenance::ID, id.as_str())
            .set(column::maintenance::FROM, from)
            .set(column::maintenance::UNTIL, until))
    })?;
    let positions = act::publish(log, records)?;
    Ok((id, positions))
}

/// Publishes the end of a window; its identifier and where that is.
fn end(
    log: &dyn EventLog,
    events: &str,
    alerts: &str,
    args: &EndArgs,
    now: Timestamp,
) -> Result<(String, Vec<Position>), Failure> {
    let id = &args.maintenance_id;
    let window = windows(log, alerts)?.remove(id).ok_or_else(|| {
        Failure::usage(format!(
            "no maintenance window `{id}` was applied; `driftseal maintenance list` shows those \
             that were"
        ))
    })?;
    let at = args.at.unwrap_or(now);
    if at.micros() >= window.until_micros {
        return Err(Failure::usage(format!(
            "`--at`: the window is over at {} already",
            window.until.unwrap_or_default()
        )));
    }
    let records = records(log, events, window.agent_id.as_deref(), || {
        let builder = args.who.event(kind::MAINTENANCE_ENDED, column::maintenance::REASON)?;
        Ok(builder
            .set_some(column::AGENT_ID, window.agent_id.as_deref())
            .set_some(column::TENANT_ID, window.tenant_id.as_deref())
            .set_some(column::ENVIRONMENT, window.environment.as_deref())
            .set(column::maintenance::ID, id.as_str())
            .set(column::maintenance::UNTIL, at))
    })?;
    Ok((id.clone(), act::publish(log, records)?))
}

/// An event in the partition of an agent; without an agent, one in each partition.
fn records(
    log: &dyn EventLog,
    topic: &str,
    agent: Option<&str>,
    event: impl Fn() -> Result<EventBuilder, Failure>,
) -> Result<Vec<Outgoing>, Failure> {
    let partitions: Vec<Option<i32>> = match agent {
        Some(_) => vec![None],
        None => (0..log.partitions(topic)?).map(Some).collect(),
    };
    partitions.into_iter().map(|number| act::record(topic, number, event()?.build())).collect()
}

/// Windows that were applied, by their identifiers; of several ends the first.
fn windows(log: &dyn EventLog, topic: &str) -> Result<BTreeMap<String, Window>, Failure> {
    let mut all: BTreeMap<String, Window> = BTreeMap::new();
    let mut applied = std::collections::BTreeSet::new();
    act::read_topic(log, topic, |number, event| {
        if event.text(column::KIND) != Some(kind::MAINTENANCE_APPLIED) {
            return;
        }
        let text = |column| event.text(column).map(str::to_owned);
        let time = |column| event.time(column);
        let Some(maintenance_id) = text(column::maintenance::ID) else { return };
        let (from, until) = (time(column::maintenance::FROM), time(column::maintenance::UNTIL));
        let until_micros = until.map_or(i64::MAX, Timestamp::micros);
        applied.insert((maintenance_id.clone(), number));
        let window = all.entry(maintenance_id.clone()).or_insert_with(|| Window {
            maintenance_id,
            agent_id: text(column::AGENT_ID),
            tenant_id: text(column::TENANT_ID),
            environment: text(column::ENVIRONMENT),
            from: from.map(act::text_of),
            until: until.map(act::text_of),
            partitions: 0,
            until_micros,
        });
        if until_micros < window.until_micros {
            (window.until, window.until_micros) = (until.map(act::text_of), until_micros);
        }
    })?;
    for (id, _) in applied {
        if let Some(window) = all.get_mut(&id) {
            window.partitions += 1;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::TopicSpec;
    use sim::MemoryLog;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
    const MINUTE: i64 = 60_000_000;

    fn who() -> Who {
        Who { by: "ana".to_owned(), reason: "the provider moves".to_owned() }
    }

    fn args(agent: Option<&str>) -> StartArgs {
        StartArgs {
            agent: agent.map(str::to_owned),
            all_agents: agent.is_none(),
            tenant: None,
            environment: None,
            stretch: Stretch { duration: Some(60 * MINUTE), ..Stretch::default() },
            who: who(),
        }
    }

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let topic = |name: &str| TopicSpec { name: name.into(), partitions: 3, compacted: false };
        log.create_topics(&[topic("events"), topic("alerts")]).unwrap();
        log
    }

    /// What the monitor would answer in a partition.
    fn answer(log: &MemoryLog, number: i32, agent: Option<&str>, id: &str, until: i64) {
        let event = EventBuilder::new(kind::MAINTENANCE_APPLIED)
            .set(column::EVENT_ID, format!("{id}{number}{until}"))
            .set(column::EVENT_TIME, NOW)
            .set_some(column::AGENT_ID, agent)
            .set(column::maintenance::ID, id)
            .set(column::maintenance::FROM, NOW)
            .set(column::maintenance::UNTIL, Timestamp::from_micros(until))
            .build();
        act::publish_one(log, act::record("alerts", Some(number), event).unwrap()).unwrap();
    }

    fn published(log: &MemoryLog) -> Vec<(i32, String, String, Option<i64>)> {
        let mut all = Vec::new();
        act::read_topic(log, "events", |number, event| {
            let text = |column| event.text(column).unwrap_or_default().to_owned();
            let until = event.time(column::maintenance::UNTIL);
            let until = until.map(|until| (until.micros() - NOW.micros()) / MINUTE);
            all.push((number, text(column::KIND), text(column::maintenance::ID), until));
        })
        .unwrap();
        all
    }

    #[test]
    fn a_window_of_every_agent_is_in_every_partition_and_ends_there() {
        let log = log();
        let (id, positions) = start(&log, "events", &args(None), NOW).unwrap();
        assert_eq!(positions.len(), 3);
        let started = |number| (number, kind::MAINTENANCE_STARTED.to_owned(), id.clone(), Some(60));
        assert_eq!(published(&log), [started(0), started(1), started(2)]);

        for number in 0..2 {
            answer(&log, number, None, &id, NOW.micros() + 60 * MINUTE);
        }
        let found = windows(&log, "alerts").unwrap().remove(&id).unwrap();
        assert_eq!(found.partitions, 2);
        assert!(found.to_text().contains("every agent from 1970-01-01T00:16:40"));

        let now = Timestamp::from_micros(NOW.micros() + 20 * MINUTE);
        let wanted = EndArgs { maintenance_id: id.clone(), at: None, who: who() };
        assert_eq!(end(&log, "events", "alerts", &wanted, now).unwrap().1.len(), 3);
        let ended = (0, kind::MAINTENANCE_ENDED.to_owned(), id.clone(), Some(20));
        assert_eq!(published(&log)[1], ended);

        answer(&log, 0, None, &id, now.micros());
        let found = windows(&log, "alerts").unwrap().remove(&id).unwrap();
        assert_eq!(found.until_micros, now.micros());
        let failure = end(&log, "events", "alerts", &wanted, now).unwrap_err();
        assert!(failure.message().contains("over at"), "{}", failure.message());
    }

    #[test]
    fn a_window_of_an_agent_is_in_its_partition_only() {
        let log = log();
        let (id, positions) = start(&log, "events", &args(Some("refund-desk")), NOW).unwrap();
        let home = ports::partition_of(b"refund-desk", 3);
        let places: Vec<i32> = positions.iter().map(|at| at.partition.partition).collect();
        assert_eq!(places, [home]);
        answer(&log, home, Some("refund-desk"), &id, NOW.micros() + 60 * MINUTE);
        let wanted = EndArgs { maintenance_id: id, at: Some(NOW), who: who() };
        let (_, ended) = end(&log, "events", "alerts", &wanted, NOW).unwrap();
        assert_eq!(ended.iter().map(|at| at.partition.partition).collect::<Vec<_>>(), [home]);
    }

    #[test]
    fn what_is_wrong_is_said_by_the_name_of_its_option() {
        let log = log();
        let nobody = StartArgs { who: Who { by: String::new(), ..who() }, ..args(None) };
        let empty = args(Some(""));
        for (args, says) in [(nobody, "`--by`"), (empty, "`--agent`")] {
            let failure = start(&log, "events", &args, NOW).unwrap_err();
            assert!(failure.message().contains(says), "{}", failure.message());
        }
        let unknown = EndArgs { maintenance_id: "x".to_owned(), at: None, who: who() };
        let failure = end(&log, "events", "alerts", &unknown, NOW).unwrap_err();
        assert!(failure.message().contains("maintenance list"), "{}", failure.message());
        assert!(published(&log).is_empty());
    }
}
