//! `driftseal baseline list|pin|unpin`.
//!
//! A pin is an event in the partition of the agent, so that it takes effect at an exact offset and is
//! sealed with the others. The monitor answers in the alerts topic: with `drift.baseline.set` for each
//! stream whose baseline has changed, or with `drift.baseline.refused`.

use std::collections::BTreeMap;
use std::fmt;

use act::baseline::{Pin, Unpin};
use act::{Actor, Target};
use event::{Event, column, kind};
use ports::EventLog;
use serde::Serialize;

use super::context::Context;
use super::options::{self, ActorArgs};
use super::topic;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

/// What to do with baselines.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List the baselines of all streams
    List(ListArgs),
    /// Compare an agent with one of its versions until it is unpinned
    Pin(PinArgs),
    /// Compare an agent with its configured baseline again
    Unpin(UnpinArgs),
}

/// Arguments of `driftseal baseline list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only this agent
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// The agent and the actor.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TargetArgs {
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Environment of the agent [default: all]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Metric, such as run.error_rate [default: all whose baseline is not `rolling`]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `driftseal baseline pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Version to compare with [default: the current version]
    #[arg(long, value_name = "VERSION")]
    of: Option<String>,
    /// Firing alert to accept: observations since its change become the baseline
    #[arg(long, value_name = "ALERT_ID")]
    alert: Option<String>,
}

/// Arguments of `driftseal baseline unpin`.
#[derive(Debug, clap::Args)]
pub struct UnpinArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// The baseline of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Set {
    tenant_id: Option<String>,
    agent_id: Option<String>,
    environment: Option<String>,
    agent_version: Option<String>,
    metric: Option<String>,
    suite: Option<String>,
    /// `previous`, `pinned` or `rolling`.
    baseline_kind: Option<String>,
    baseline_version: Option<String>,
    baseline_count: Option<i64>,
    /// Mean of the baseline; for sizes its median.
    baseline_value: Option<f64>,
    detector: Option<String>,
    /// Why there is no detector.
    reason: Option<String>,
    /// When it was set.
    since: Option<String>,
}

/// Identity of a stream: tenant, agent, environment, version, metric and suite.
type Stream = [Option<String>; 6];

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topics = &config.processor.topics;
        let stamp = options::stamp();
        let (kind, event) = match self {
            Self::List(args) => {
                let sets = baselines(&*log, &topics.alerts)?.into_values();
                let is_asked = |set: &Set| args.agent.is_none() || set.agent_id == args.agent;
                let sets: Vec<Set> = sets.filter(is_asked).collect();
                match context.output {
                    Output::Text if sets.is_empty() => print::line("no baselines"),
                    Output::Text => sets.iter().for_each(|set| print::line(set.to_string())),
                    Output::Json => print::json(&sets),
                }
                return Ok(Ended::Done);
            }
            Self::Pin(args) => (Pin::KIND, args.act().event(&stamp)),
            Self::Unpin(args) => (Unpin::KIND, args.act().event(&stamp)),
        };
        let event = event.map_err(options::refused)?;
        let at = topic::publish_one(&*log, topic::record(&topics.events, None, &event))?;
        match context.output {
            Output::Text => print::line(format!("{kind}: {}@{}", at.partition, at.offset)),
            Output::Json => print::json(&serde_json::json!({
                "kind": kind,
                "agent_id": event.text(column::AGENT_ID),
                "topic": topics.events,
                "positions": [topic::position(&at)],
            })),
        }
        Ok(Ended::Done)
    }
}

impl TargetArgs {
    fn target(self, agent_version: Option<String>) -> (Target, Actor) {
        let target = Target {
            tenant_id: self.tenant,
            agent_id: Some(self.agent),
            environment: self.environment,
            agent_version,
            metric: self.metric,
            ..Target::default()
        };
        (target, self.actor.actor())
    }
}

impl PinArgs {
    fn act(self) -> Pin {
        let (target, actor) = self.target.target(self.of);
        Pin { target, alert_id: self.alert, actor }
    }
}

impl UnpinArgs {
    fn act(self) -> Unpin {
        let (target, actor) = self.target.target(None);
        Unpin { target, actor }
    }
}

impl Set {
    fn of(event: &Event<'_>) -> Self {
        let text = |column| event.text(column).map(str::to_owned);
        Self {
            tenant_id: text(column::TENANT_ID),
            agent_id: text(column::AGENT_ID),
            environment: text(column::ENVIRONMENT),
            agent_version: text(column::AGENT_VERSION),
            metric: text(column::drift::METRIC),
            suite: text(column::drift::SUITE),
            baseline_kind: text(column::drift::BASELINE_KIND),
            baseline_version: text(column::drift::BASELINE_VERSION),
            baseline_count: event.int(column::drift::BASELINE_COUNT),
            baseline_value: event.number(column::drift::BASELINE_VALUE),
            detector: text(column::drift::DETECTOR),
            reason: text(column::drift::REASON),
            since: event.time(column::EVENT_TIME).map(|time| time.to_string()),
        }
    }

    fn stream(&self) -> Stream {
        [
            self.tenant_id.clone(),
            self.agent_id.clone(),
            self.environment.clone(),
            self.agent_version.clone(),
            self.metric.clone(),
            self.suite.clone(),
        ]
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        write!(
            f,
            "{} {} {} {}",
            text(&self.agent_id),
            text(&self.environment),
            text(&self.agent_version),
            text(&self.metric),
        )?;
        if let Some(suite) = &self.suite {
            write!(f, " ({suite})")?;
        }
        write!(f, ": {}", text(&self.baseline_kind))?;
        if let Some(version) = &self.baseline_version {
            write!(f, " {version}")?;
        }
        if let Some(count) = self.baseline_count {
            write!(f, ", {count} observations")?;
        }
        if let Some(value) = self.baseline_value {
            write!(f, ", {value:.4}")?;
        }
        match &self.reason {
            Some(reason) => write!(f, "; {reason}"),
            None => write!(f, "; {}", text(&self.detector)),
        }
    }
}

/// The current baseline of each stream.
fn baselines(log: &dyn EventLog, alerts: &str) -> Result<BTreeMap<Stream, Set>, Failure> {
    let mut sets = BTreeMap::new();
    topic::read_topic(log, alerts, |_, event| {
        if event.text(column::KIND) == Some(kind::DRIFT_BASELINE_SET) {
            let set = Set::of(event);
            sets.insert(set.stream(), set);
        }
    })?;
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp};
    use ports::TopicSpec;
    use sim::MemoryLog;

    const TOPIC: &str = "t";

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: TOPIC.to_owned(), partitions: 2, compacted: false };
        log.create_topics(&[spec]).unwrap();
        log
    }

    fn set(log: &MemoryLog, version: &str, kind: &str) {
        let event = EventBuilder::new(kind::DRIFT_BASELINE_SET)
            .set(column::EVENT_ID, format!("{version}{kind}"))
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .set(column::AGENT_ID, "refund-desk")
            .set(column::AGENT_VERSION, version)
            .set(column::drift::METRIC, "run.error_rate")
            .set(column::drift::BASELINE_KIND, kind)
            .set(column::drift::BASELINE_VERSION, "v1")
            .set(column::drift::BASELINE_COUNT, 500_i64)
            .set(column::drift::BASELINE_VALUE, 0.0871)
            .set(column::drift::DETECTOR, "esr-two-sample")
            .build()
            .unwrap();
        topic::publish_one(log, topic::record(TOPIC, Some(1), &event)).unwrap();
    }

    #[test]
    fn what_was_set_last_is_listed() {
        let log = log();
        set(&log, "v2", "previous");
        set(&log, "v2", "pinned");
        let all: Vec<Set> = baselines(&log, TOPIC).unwrap().into_values().collect();
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].to_string(),
            "refund-desk - v2 run.error_rate: pinned v1, 500 observations, 0.0871; esr-two-sample"
        );
    }
}
