//! What `driftseal suppress` and `driftseal maintenance` share: acts with a period are started, ended
//! early and listed.
//!
//! A request is an event in the partition of its agent or, if it concerns all agents, in every
//! partition. The monitor answers in the alerts topic.

use std::collections::BTreeMap;

use act::{Ending, InForce, Request, Stamp, Timed};
use event::{Event, Timestamp};
use ports::{EventLog, Outgoing, Position};
use serde_json::{Map, Value, json};
use service::clock::now_micros;

use super::{options, topic};
use crate::Config;
use crate::outcome::Failure;
use crate::print::{self, Output};
use crate::roles;

/// The request of a command.
#[derive(Debug)]
pub(super) enum Asked {
    /// Start one.
    Start(Request),
    /// End one early, by identifier.
    End(String, Ending),
    /// List those in force.
    List,
}

/// One of the two commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) timed: &'static Timed,
    /// Name of the command.
    pub(super) command: &'static str,
    /// Key of the identifier in JSON.
    pub(super) id: &'static str,
}

/// Executes a request and prints the result.
pub(super) fn run(
    subject: Subject,
    config: &Config,
    output: Output,
    asked: Asked,
) -> Result<(), Failure> {
    let log = roles::open_log(config)?;
    let topics = &config.processor.topics;
    let stamp = options::stamp();
    let (kind, id, positions) = match asked {
        Asked::List => {
            let now = Timestamp::from_micros(now_micros());
            let found = in_force(subject, &*log, &topics.alerts)?;
            let open: Vec<InForce> = found.into_values().filter(|one| one.is_open(now)).collect();
            match output {
                Output::Text if open.is_empty() => {
                    print::line(format!("no {} is in force", subject.timed.name));
                }
                Output::Text => open.iter().for_each(|one| print::line(one.to_string())),
                Output::Json => {
                    print::json(&open.iter().map(|one| json_of(subject, one)).collect::<Vec<_>>());
                }
            }
            return Ok(());
        }
        Asked::Start(request) => {
            let positions = start(subject, &*log, &topics.events, &request, &stamp)?;
            (subject.timed.started, request.id, positions)
        }
        Asked::End(id, ending) => {
            let found = in_force(subject, &*log, &topics.alerts)?.remove(&id).ok_or_else(|| {
                Failure::usage(format!(
                    "{} `{id}` is not in force; `driftseal {} list` shows those in force",
                    subject.timed.name, subject.command
                ))
            })?;
            let positions = end(subject, &*log, &topics.events, &ending, &found, &stamp)?;
            (subject.timed.ended, id, positions)
        }
    };
    match output {
        Output::Text => print::line(format!(
            "{kind} {id}: published to {} partition(s) of {}; `driftseal {} list` shows it once it is \
             in force",
            positions.len(),
            topics.events,
            subject.command
        )),
        Output::Json => print::json(&json!({
            "kind": kind,
            subject.id: id,
            "topic": topics.events,
            "positions": positions.iter().map(topic::position).collect::<Vec<_>>(),
        })),
    }
    Ok(())
}

/// Publishes a request; returns its positions.
fn start(
    subject: Subject,
    log: &dyn EventLog,
    events: &str,
    request: &Request,
    stamp: &Stamp,
) -> Result<Vec<Position>, Failure> {
    let agent = request.target.agent_id.as_deref();
    let records = records(log, events, agent, stamp, |stamp| {
        request.event(subject.timed, stamp).map_err(options::refused)
    })?;
    topic::publish(log, records)
}

/// Publishes a request to end what is in force; returns its positions.
fn end(
    subject: Subject,
    log: &dyn EventLog,
    events: &str,
    ending: &Ending,
    found: &InForce,
    stamp: &Stamp,
) -> Result<Vec<Position>, Failure> {
    let agent = found.target.agent_id.as_deref();
    let records = records(log, events, agent, stamp, |stamp| {
        ending.event(subject.timed, found, stamp).map_err(options::refused)
    })?;
    topic::publish(log, records)
}

/// The record of an event for an agent; without an agent, a record for each partition.
fn records(
    log: &dyn EventLog,
    events: &str,
    agent: Option<&str>,
    stamp: &Stamp,
    event: impl Fn(&Stamp) -> Result<Event<'static>, Failure>,
) -> Result<Vec<Outgoing>, Failure> {
    if agent.is_some() {
        return Ok(vec![topic::record(events, None, &event(stamp)?)]);
    }
    (0..log.partitions(events)?)
        .map(|number| {
            let own = options::stamp_at(stamp.time);
            Ok(topic::record(events, Some(number), &event(&own)?))
        })
        .collect()
}

/// What the monitor has put in force, by identifier.
fn in_force(
    subject: Subject,
    log: &dyn EventLog,
    alerts: &str,
) -> Result<BTreeMap<String, InForce>, Failure> {
    let mut all = BTreeMap::new();
    topic::read_topic(log, alerts, |number, event| {
        InForce::apply(&mut all, subject.timed, number, event);
    })?;
    Ok(all)
}

fn json_of(subject: Subject, one: &InForce) -> Value {
    let target = &one.target;
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let mut object = Map::new();
    for (key, value) in [
        (subject.id, Some(&one.id)),
        ("agent_id", target.agent_id.as_ref()),
        ("tenant_id", target.tenant_id.as_ref()),
        ("environment", target.environment.as_ref()),
        ("agent_version", target.agent_version.as_ref()),
        ("metric", target.metric.as_ref()),
        ("suite", target.suite.as_ref()),
        ("severity", target.severity.as_ref()),
        ("from", time(one.from).as_ref()),
        ("until", time(one.until).as_ref()),
    ] {
        object.insert(key.to_owned(), json!(value));
    }
    object.insert("partitions".to_owned(), json!(one.partitions.len()));
    Value::Object(object)
}

#[cfg(test)]
mod tests;
