//! An event on its way to being sent.

use serde_json::{Map, Value};

use super::agents::Agent;

/// An event before its source numbered it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) time_ms: i64,
    pub(super) agent_id: &'static str,
    pub(super) fields: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(agent: &Agent, time_ms: i64, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        Self { time_ms, agent_id: agent.id, fields }
    }
}

/// An instant as JSON events carry it.
pub(super) fn rfc3339(time_ms: i64) -> String {
    event::Timestamp::from_millis(time_ms).to_rfc3339().unwrap_or_default()
}
