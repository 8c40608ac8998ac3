//! Whether a version may be deployed, as far as acts and alerts tell.

use std::collections::BTreeSet;

use event::plain::Name;
use event::{Timestamp, column, kind};
use merkle::hash::from_hex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::config::Checks;

use super::history::{History, Kept};
use super::problem::Problem;
use super::rejection::Rejection;
use super::rules::{self, Case, Finding, RULES};
use super::view::View;

/// What `driftseal ready` requires before a version is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rules that must be satisfied; the others are judged and shown. Default `registered`,
    /// `change_approved` and `evaluated`. There are also `separate_approver`, `risk_linked`,
    /// `policy_acknowledged` and `quiet` (no alert is firing, which a version that repairs something cannot
    /// satisfy).
    pub require: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        let require = ["registered", "change_approved", "evaluated"].map(str::to_owned).to_vec();
        Self { require }
    }
}

impl Config {
    /// Invalid values, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        for name in &self.require {
            let all = rules::names().collect::<Vec<_>>().join("`, `");
            let text = format!("name rules, of `{all}`; `{}` is none", Name(name));
            checks.must(rules::names().any(|known| known == name), "require", &text);
        }
        checks.must(!self.require.is_empty(), "require", "name at least one rule");
        checks.into_problems()
    }
}

/// Which version, for where.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) digest: String,
    pub(super) agent: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) tenant: Option<String>,
}

/// The answer: a verdict, and each rule with its state and the acts that satisfy it.
pub(super) fn answer(
    question: &Question,
    history: &History,
    view: &View,
    (config, topic): (&Config, &str),
    now: Timestamp,
) -> Result<Value, Rejection> {
    if question.digest.strip_prefix("sha256:").and_then(from_hex).is_none() {
        let text = "must be `sha256:` and 64 lowercase hexadecimal digits, as `driftseal version \
                    register` prints it";
        return Err(Rejection::Fields(vec![Problem::new("digest", text)]));
    }
    let tenant = question.tenant.as_deref();
    let is_of_tenant = |act: &&Kept| act.event.text(column::TENANT_ID) == tenant;
    let acts: Vec<&Kept> = history.acts().filter(is_of_tenant).collect();
    let agent = match &question.agent {
        Some(agent) => Some(agent.as_str()),
        None => agent_of(&question.digest, &acts)?,
    };
    let case = Case {
        digest: &question.digest,
        tenant,
        agent,
        environment: question.environment.as_deref(),
        now,
        acts,
        alerts: &view.alerts,
        alerts_are_incomplete: view.left_out > 0,
    };
    let (mut missing, mut unknown) = (0, 0);
    let mut shown = Vec::new();
    for rule in &RULES {
        let is_required = config.require.iter().any(|name| name == rule.name);
        let mut finding = rule.judge(&case);
        // What is not found may be among what is forgotten.
        if let Finding::Missing(reason) = &finding
            && rule.is_of_acts
            && history.forgotten > 0
        {
            let count = history.forgotten;
            finding =
                Finding::Unknown(format!("{reason}; but {count} older acts are not remembered"));
        }
        let (state, reason, proofs) = match finding {
            Finding::Satisfied(proofs) => ("satisfied", None, proofs),
            Finding::Missing(reason) => ("missing", Some(reason), Vec::new()),
            Finding::Unknown(reason) => ("unknown", Some(reason), Vec::new()),
        };
        missing += u32::from(is_required && state == "missing");
        unknown += u32::from(is_required && state == "unknown");
        let events: Vec<Value> = proofs
            .iter()
            .map(|proof| {
                json!({
                    "kind": proof.kind,
                    "event_id": proof.event_id,
                    "by": proof.by,
                    "topic": topic,
                    "partition": proof.at.0,
                    "offset": proof.at.1,
                    "recorded_at": proof.time.to_string(),
                })
            })
            .collect();
        shown.push(json!({
            "rule": rule.name,
            "required": is_required,
            "state": state,
            "reason": reason,
            "satisfied_by": rule.satisfied_by,
            "to_do": rule.to_do,
            "events": events,
        }));
    }
    let verdict = match (missing, unknown) {
        (0, 0) => "ready",
        (0, _) => "unknown",
        _ => "not_ready",
    };
    Ok(json!({
        "verdict": verdict,
        "version_digest": question.digest,
        "agent_id": case.agent,
        "environment": question.environment,
        "rules": shown,
        "forged_records": view.forged,
        "left_out": history.forgotten,
    }))
}

/// Whose version it is: the one agent that registered it.
fn agent_of<'a>(digest: &str, acts: &[&'a Kept]) -> Result<Option<&'a str>, Rejection> {
    let registered = acts.iter().filter(|act| {
        act.kind() == kind::AGENT_VERSION_CREATED
            && act.event.text(column::VERSION_DIGEST) == Some(digest)
    });
    let agents: BTreeSet<&str> =
        registered.filter_map(|act| act.event.text(column::AGENT_ID)).collect();
    if agents.len() > 1 {
        let text = format!("is required: {} agents have a version of this digest", agents.len());
        return Err(Rejection::Fields(vec![Problem::new("agent_id", text)]));
    }
    Ok(agents.first().copied())
}
