//! Generates the traffic of two agents over some hours. Deterministic: equal plans give equal bytes.
//!
//! `refund-desk` decides refunds. An approved change shortens its prompt; the new version fails more
//! often, passes fewer evaluations and takes longer. `doc-search` changes too, but performs as before,
//! and must not raise an alert.
//!
//! Pure: the end of the period is an argument; no clock and no system randomness is used.

mod agents;
mod draft;
mod governance;
mod plan;
mod rng;
mod runs;

use serde_json::{Value, json};
use service::metrics::count;

use self::agents::AGENTS;
pub use self::agents::{CALM_AGENT, WORSE_AGENT};
use self::draft::{Draft, rfc3339};
pub use self::plan::Plan;
use self::rng::Rng;

/// An event to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Event time, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The agent.
    pub agent_id: &'static str,
    /// JSON text on one line.
    pub body: String,
    /// Whether people decide by it: it goes to the governance topic instead of the collector.
    pub is_act: bool,
}

/// All events of both agents and of the people around them, ordered by time.
#[must_use]
pub fn generate(plan: &Plan) -> Vec<Message> {
    let mut drafts = Vec::new();
    for (number, agent) in AGENTS.iter().enumerate() {
        let mut rng = Rng::new(plan.seed.wrapping_add(count(number)));
        let deployed_ms = plan.at(agent.deployed_at_share);
        governance::write(plan, agent, deployed_ms, &mut rng, &mut drafts);
        let runs = f64::from(plan.runs) * agent.share_of_runs;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most runs")]
        let runs = runs as u32;
        for index in 0..runs {
            // 2 % at both ends of the period are left for governance and for runs to complete.
            let share = 0.02 + 0.96 * (f64::from(index) + rng.uniform()) / f64::from(runs);
            let start_ms = plan.at(share);
            let version =
                if start_ms < deployed_ms { &agent.versions[0] } else { &agent.versions[1] };
            runs::write(agent, version, start_ms, &mut rng, &mut drafts);
        }
    }
    drafts.retain(|draft| draft.time_ms <= plan.end_ms);
    drafts.sort_by_key(|draft| draft.time_ms);
    number_and_serialize(plan, drafts)
}

/// Records that do not decode, as a faulty agent might publish them directly to the topic; the collector
/// would reject them.
#[must_use]
pub fn strays() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            WORSE_AGENT,
            br#"{"kind":"run.completed","agent_id":"refund-desk","run":{"status":"o"#.to_vec(),
        ),
        (
            CALM_AGENT,
            br#"{"kind":"run.completed","agent_id":"doc-search","run":{"duration_ms":"fast"}}"#
                .to_vec(),
        ),
    ]
}

fn number_and_serialize(plan: &Plan, drafts: Vec<Draft>) -> Vec<Message> {
    let mut ids = Rng::new(plan.seed ^ 0x5eed);
    let mut sequences: [i64; AGENTS.len()] = [0; AGENTS.len()];
    let mut messages = Vec::with_capacity(drafts.len());
    for Draft { time_ms, agent_id, mut fields } in drafts {
        let agent = AGENTS.iter().position(|agent| agent.id == agent_id);
        let Some(sequence) = agent.and_then(|agent| sequences.get_mut(agent)) else {
            unreachable!("an event is of one of the agents")
        };
        let Some(kind) = fields.get("kind").and_then(Value::as_str) else {
            unreachable!("an event has a kind")
        };
        let is_act = ::governance::has_effect(kind);
        if !is_act {
            let id = format!("{agent_id}-gateway");
            let source = json!({"id": id, "epoch": plan.start_ms(), "seq": *sequence});
            fields.insert("source".into(), source);
            *sequence += 1;
        }
        let Ok(millis) = u64::try_from(time_ms) else { unreachable!("traffic is after 1970") };
        let random = ids.bytes();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        fields.insert("event_id".into(), id.to_string().into());
        fields.insert("event_time".into(), rfc3339(time_ms).into());
        fields.insert("agent_id".into(), agent_id.into());
        fields.insert("environment".into(), "production".into());
        let body = Value::Object(fields).to_string();
        messages.push(Message { time_ms, agent_id, body, is_act });
    }
    messages
}

#[cfg(test)]
mod tests;
