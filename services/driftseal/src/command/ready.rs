//! `driftseal ready DIGEST`: whether a version may be deployed, and what is missing.
//!
//! The gateway answers from signed acts, and from the alerts that are firing; `ready.require` says which rules
//! count.

use serde_json::Value;

use super::context::Context;
use crate::gateway::Gateway;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// Arguments of `driftseal ready`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Digest of the version, from `driftseal version register`
    #[arg(value_name = "DIGEST", value_parser = parse_digest)]
    digest: String,
    /// Agent [default: the one that registered the version]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Environment that it is to be deployed to
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

fn parse_digest(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").and_then(merkle::hash::from_hex);
    hex.map(|_| text.to_owned())
        .ok_or_else(|| "expected sha256: and 64 lowercase hexadecimal digits".to_owned())
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let query: Vec<(&str, &str)> = [
            ("agent_id", &self.agent),
            ("environment", &self.environment),
            ("tenant_id", &self.tenant),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect();
        // Whoever does not answer has not said that it is not ready.
        let answer =
            gateway.list(&format!("ready/{}", self.digest), &query).map_err(|failure| {
                if failure.is_usage() {
                    failure
                } else {
                    Failure::unverifiable(failure.message().to_owned())
                }
            })?;
        let verdict = answer.get("verdict").and_then(Value::as_str).unwrap_or_default().to_owned();
        match context.output {
            Output::Json => print::json(&answer),
            Output::Text => show(&verdict, &self.digest, &answer),
        }
        Ok(match verdict.as_str() {
            "ready" => Ended::Done,
            "not_ready" => Ended::Failed,
            _ => Ended::Unverifiable,
        })
    }
}

fn show(verdict: &str, digest: &str, answer: &Value) {
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let said = match verdict {
        "ready" => "READY",
        "not_ready" => "NOT READY",
        _ => "NOT KNOWN",
    };
    print::line(format!("{said} {} {digest}", text(answer, "agent_id")));
    for rule in answer.get("rules").and_then(Value::as_array).into_iter().flatten() {
        let is_required = rule.get("required").and_then(Value::as_bool) == Some(true);
        let state = text(rule, "state");
        let events = rule.get("events").and_then(Value::as_array).into_iter().flatten();
        let by: Vec<String> = events
            .map(|event| {
                let number = |name: &str| event.get(name).and_then(Value::as_i64).unwrap_or(-1);
                let (kind, who) = (text(event, "kind"), text(event, "by"));
                let topic = text(event, "topic");
                format!("{kind} by {who} at {topic}/{}@{}", number("partition"), number("offset"))
            })
            .collect();
        let why = match state.as_str() {
            "satisfied" => by.join(", "),
            _ => format!("{}; {}", text(rule, "reason"), text(rule, "to_do")),
        };
        let weight = if is_required { "required" } else { "optional" };
        print::line(format!("  {state:<9} {weight} {:<20} {why}", text(rule, "rule")));
    }
}
