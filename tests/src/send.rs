//! Events of agents as JSON, published to the log as an agent would do it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::time::Duration;

use event::{Timestamp, kind};
use ports::{EventLog, Outgoing, publish_and_wait};
use serde_json::{Value, json};

use crate::world::EVENTS;

/// Longest wait for an acknowledgement.
const WAIT: Duration = Duration::from_secs(120);

/// A run that is over: `ok`, or an `error`. The identifier is that of the run, too.
///
/// # Panics
///
/// If there is no such time.
#[must_use]
pub fn run(agent: &str, version: &str, id: &str, time_ms: i64, failed: bool) -> Value {
    json!({
        "kind": kind::RUN_COMPLETED,
        "event_id": id,
        "event_time": Timestamp::from_millis(time_ms).to_rfc3339().unwrap(),
        "agent_id": agent,
        "agent_version": version,
        "run_id": format!("run-{id}"),
        "run": {"status": if failed { "error" } else { "ok" }},
    })
}

/// Publishes events, each in the partition of its agent, and waits for every acknowledgement.
///
/// # Panics
///
/// If one does not come.
pub fn send(log: &dyn EventLog, events: &[Value]) {
    let record = |event: &Value| Outgoing {
        topic: EVENTS.into(),
        key: event.get("agent_id").and_then(Value::as_str).map(|agent| agent.as_bytes().to_vec()),
        value: Some(event.to_string().into_bytes()),
        ..Outgoing::default()
    };
    let records = events.iter().map(record).collect();
    publish_and_wait(&*log.producer(), records, WAIT).unwrap();
}
