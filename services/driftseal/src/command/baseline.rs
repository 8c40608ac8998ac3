//! `driftseal baseline list|pin|unpin`: what streams are compared with, and what a person or a
//! release pipeline says about it.
//!
//! A pin is an event among the agent's own, so that it holds from an exact offset and is sealed
//! with the rest. The monitor answers beside its alerts: by `drift.baseline.set` of every stream
//! that has another baseline now, or by `drift.baseline.refused`.

use std::collections::BTreeMap;

use event::{Event, Timestamp, TopicPartition, column, kind};
use ports::{EventLog, Position};
use serde::Serialize;

use super::act::{self, Who};
use super::{Context, Ended, Failure, Output};
use crate::{print, roles};

/// What to do with baselines.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Show what every stream is compared with
    List(ListArgs),
    /// Compare an agent with what one of its versions has shown so far, until unpinned
    Pin(PinArgs),
    /// Compare an agent with what its settings say again
    Unpin(UnpinArgs),
}

/// Arguments of `driftseal baseline list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Of this agent only
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// Whom it is about, and who says so.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Whom {
    /// The agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Its environment; every one where it is known if absent
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Its tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// One metric, such as run.error_rate; all of them if absent, but for those whose baseline is
    /// `rolling`
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Arguments of `driftseal baseline pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    #[command(flatten)]
    whom: Whom,
    /// The version; the current one if absent
    #[arg(long, value_name = "VERSION")]
    of: Option<String>,
    /// An alert that is firing: what was observed since then is the norm from now on
    #[arg(long, value_name = "ALERT_ID")]
    alert: Option<String>,
}

/// Arguments of `driftseal baseline unpin`.
#[derive(Debug, clap::Args)]
pub struct UnpinArgs {
    #[command(flatten)]
    whom: Whom,
}

/// What a stream is compared with.
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
    /// Mean of the baseline; of sizes its median.
    baseline_value: Option<f64>,
    detector: Option<String>,
    /// Why there is no detector.
    reason: Option<String>,
    /// Since when.
    since: Option<String>,
}

/// Which stream: tenant, agent, environment, version, metric and suite.
type Stream = [Option<String>; 6];

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topics = &config.processor.topics;
        let (kind, whom, version, alert) = match self {
            Self::List(args) => {
                let sets = baselines(&*log, &topics.alerts)?.into_values();
                let is_asked = |set: &Set| args.agent.is_none() || set.agent_id == args.agent;
                let sets: Vec<Set> = sets.filter(is_asked).collect();
                match context.output {
                    Output::Text if sets.is_empty() => print::line("no baseline was set"),
                    Output::Text => sets.iter().for_each(|set| print::line(set.to_text())),
                    Output::Json => print::json(&sets),
                }
                return Ok(Ended::Done);
            }
            Self::Pin(args) => (kind::DRIFT_BASELINE_PINNED, args.whom, args.of, args.alert),
            Self::Unpin(args) => (kind::DRIFT_BASELINE_UNPINNED, args.whom, None, None),
        };
        let at = act(&*log, &topics.events, kind, &whom, version.as_deref(), alert.as_deref())?;
        match context.output {
            Output::Text => print::line(format!("{kind}: {}@{}", at.partition, at.offset)),
            Output::Json => print::json(&serde_json::json!({
                "kind": kind,
                "agent_id": whom.agent,
                "topic": &*at.partition.topic,
                "partition": at.partition.partition,
                "offset": at.offset,
            })),
        }
        Ok(Ended::Done)
    }
}

impl Set {
    fn of(event: &Event<'_>) -> Self {
        let text = |column| event.text(column).map(str::to_owned);
        let time = event.time(column::EVENT_TIME);
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
            since: time.and_then(Timestamp::to_rfc3339),
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

    fn to_text(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let mut line = format!(
            "{} {} {} {}",
            text(&self.agent_id),
            text(&self.environment),
            text(&self.agent_version),
            text(&self.metric),
        );
        if let Some(suite) = &self.suite {
            line.push_str(&format!(" ({suite})"));
        }
        line.push_str(&format!(": {}", text(&self.baseline_kind)));
        if let Some(version) = &self.baseline_version {
            line.push_str(&format!(" {version}"));
        }
        line.push_str(&format!(", {} observations", self.baseline_count.unwrap_or_default()));
        if let Some(value) = self.baseline_value {
            line.push_str(&format!(", {value:.4}"));
        }
        match &self.reason {
            Some(reason) => line.push_str(&format!("; {reason}")),
            None => line.push_str(&format!("; {}", text(&self.detector))),
        }
        line
    }
}

/// Publishes an act among the events of the agent that it is about.
fn act(
    log: &dyn EventLog,
    topic: &str,
    kind: &str,
    whom: &Whom,
    version: Option<&str>,
    alert: Option<&str>,
) -> Result<Position, Failure> {
    if whom.agent.trim().is_empty() {
        return Err(Failure::usage("`--agent` must not be empty"));
    }
    if let Some(metric) = &whom.metric {
        let watched = monitor::metric::ALL.iter().filter_map(|metric| metric.watch);
        let names: Vec<&str> = watched.map(|watch| watch.metric).collect();
        if !names.contains(&metric.as_str()) {
            let names = names.join(", ");
            return Err(Failure::usage(format!("`--metric` must be one of {names}")));
        }
    }
    let event = whom
        .who
        .event(kind, column::drift::REASON)?
        .set_some(column::TENANT_ID, whom.tenant.as_deref())
        .set_some(column::ENVIRONMENT, whom.environment.as_deref())
        .set(column::AGENT_ID, whom.agent.as_str())
        .set_some(column::AGENT_VERSION, version)
        .set_some(column::drift::METRIC, whom.metric.as_deref())
        .set_some(column::drift::ALERT_ID, alert)
        .build();
    act::publish_one(log, act::record(topic, None, event)?)
}

/// What every stream is compared with: what was said last.
fn baselines(log: &dyn EventLog, topic: &str) -> Result<BTreeMap<Stream, Set>, Failure> {
    let mut sets = BTreeMap::new();
    for number in 0..log.partitions(topic)? {
        act::read(log, &TopicPartition::new(topic, number), |event| {
            if event.text(column::KIND) == Some(kind::DRIFT_BASELINE_SET) {
                let set = Set::of(event);
                sets.insert(set.stream(), set);
            }
        })?;
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::EventBuilder;
    use ports::TopicSpec;
    use sim::MemoryLog;

    const TOPIC: &str = "t";

    fn log() -> MemoryLog {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: TOPIC.to_owned(), partitions: 2, compacted: false };
        log.create_topics(&[spec]).unwrap();
        log
    }

    fn whom() -> Whom {
        Whom {
            agent: "refund-desk".to_owned(),
            who: Who { by: "ana".to_owned(), reason: "the release that we trust".to_owned() },
            ..Whom::default()
        }
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
            .build();
        act::publish_one(log, act::record(TOPIC, Some(1), event).unwrap()).unwrap();
    }

    #[test]
    fn a_pin_is_an_event_of_its_agent() {
        let log = log();
        let kind = kind::DRIFT_BASELINE_PINNED;
        let first = act(&log, TOPIC, kind, &whom(), Some("v1"), None).unwrap();
        let whom = Whom { metric: Some("run.steps".to_owned()), ..whom() };
        let second = act(&log, TOPIC, kind::DRIFT_BASELINE_UNPINNED, &whom, None, None).unwrap();
        assert_eq!(first.partition, second.partition, "the agent's partition");
        let mut said = Vec::new();
        act::read(&log, &first.partition, |event| {
            let text = |column| event.text(column).map(str::to_owned);
            said.push([
                text(column::KIND),
                text(column::AGENT_VERSION),
                text(column::drift::METRIC),
                text(column::actor::ID),
            ]);
        })
        .unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            said,
            [
                [some(kind), some("v1"), None, some("ana")],
                [some(kind::DRIFT_BASELINE_UNPINNED), None, some("run.steps"), some("ana")],
            ]
        );
    }

    #[test]
    fn nobody_is_nobody_and_an_unknown_metric_is_named() {
        for (whom, says) in [
            (Whom { who: Who { by: " ".to_owned(), ..whom().who }, ..whom() }, "--by"),
            (Whom { agent: String::new(), ..whom() }, "--agent"),
            (Whom { metric: Some("x".to_owned()), ..whom() }, "must be one of run.error_rate"),
        ] {
            let failure = act(&log(), TOPIC, kind::DRIFT_BASELINE_PINNED, &whom, None, None);
            let message = failure.unwrap_err().message().to_owned();
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn what_was_set_last_is_listed() {
        let log = log();
        set(&log, "v2", "previous");
        set(&log, "v2", "pinned");
        let all: Vec<Set> = baselines(&log, TOPIC).unwrap().into_values().collect();
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].to_text(),
            "refund-desk - v2 run.error_rate: pinned v1, 500 observations, 0.0871; esr-two-sample"
        );
    }
}
