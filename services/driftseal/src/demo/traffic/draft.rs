//! Events under construction.

use serde_json::{Map, Value};

use super::agents::Agent;

/// An event without identifier and sequence number.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) time_ms: i64,
    pub(super) agent_id: &'static str,
    pub(super) fields: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(agent: &Agent, time_ms: i64, fields: Value) -> Self {
        let Value::Object(fields) = fields else { unreachable!("an event is an object") };
        Self { time_ms, agent_id: agent.id, fields }
    }
}

/// Sets a field of an event.
pub(super) fn insert(event: &mut Value, key: &str, value: Value) {
    let Some(fields) = event.as_object_mut() else { unreachable!("an event is an object") };
    fields.insert(key.to_owned(), value);
}

/// A time as in JSON events.
pub(super) fn rfc3339(time_ms: i64) -> String {
    let Some(text) = event::Timestamp::from_millis(time_ms).to_rfc3339() else {
        unreachable!("traffic is in the years 1 to 9999")
    };
    text
}
