//! Events of the people around an agent: registration, and a change that is requested, approved and
//! deployed.

use event::kind;
use serde_json::{Value, json};

use super::agents::{Agent, Version};
use super::draft::Draft;
use super::plan::Plan;
use super::rng::Rng;

const MINUTE_MS: i64 = 60_000;

/// Appends the registration at the start of the period, and the change and deployment.
pub(super) fn write(
    plan: &Plan,
    agent: &Agent,
    deployed_ms: i64,
    rng: &mut Rng,
    drafts: &mut Vec<Draft>,
) {
    let [before, after] = &agent.versions;
    let start_ms = plan.start_ms();
    let mut send = |time_ms: i64, fields: Value| drafts.push(Draft::new(agent, time_ms, fields));
    let human = |id: &str| json!({"type": "human", "id": id, "authn": "oidc", "evidence_level": "verified"});

    send(
        start_ms,
        json!({
            "kind": kind::SOURCE_REGISTERED,
            "actor": {"type": "service", "id": "gateway", "authn": "mtls"},
        }),
    );
    send(
        start_ms + 1,
        json!({
            "kind": kind::AGENT_REGISTERED,
            "actor": human("ana.silva"),
            "agent": {
                "name": agent.title, "purpose": agent.purpose, "owner": agent.owner,
                "risk_tier": agent.risk_tier, "in_isms_scope": true,
                "declared_tools": agent.tools.iter().map(|tool| tool.name).collect::<Vec<_>>(),
                "data_categories": ["orders", "contact"],
            },
        }),
    );
    send(start_ms + 2, created(agent, before, human("ci")));
    send(start_ms + 3, deployed(agent, None, before));

    let change = format!("CHG-{}", 4_100 + rng.between(0, 800));
    let asked_ms = deployed_ms - 45 * MINUTE_MS;
    let details = |kind: &str, actor: &str| {
        json!({
            "kind": kind,
            "actor": human(actor),
            "links": {"change": change, "suite": agent.suite},
            "change": {
                "id": change, "type": "prompt", "author": "li.chen",
                "approver": (kind != kind::CHANGE_REQUESTED).then_some("m.okafor"),
                "from_version": before.name, "to_version": after.name,
                "from_digest": digest(agent, before), "to_digest": digest(agent, after),
                "ticket": format!("OPS-{}", 900 + agent.id.len()),
                "reason": agent.change_reason,
            },
        })
    };
    send(asked_ms, details(kind::CHANGE_REQUESTED, "li.chen"));
    send(asked_ms + 31 * MINUTE_MS, details(kind::CHANGE_APPROVED, "m.okafor"));
    send(deployed_ms - 2 * MINUTE_MS, created(agent, after, human("ci")));
    send(deployed_ms, deployed(agent, Some((before, &change)), after));
    send(deployed_ms + MINUTE_MS, details(kind::CHANGE_IMPLEMENTED, "ci"));
}

fn created(agent: &Agent, version: &Version, actor: Value) -> Value {
    json!({
        "kind": kind::AGENT_VERSION_CREATED,
        "agent_version": version.name,
        "version_digest": digest(agent, version),
        "actor": actor,
        "agent": {
            "prompt_name": "main", "prompt_digest": sha256(version.prompt),
            "model_provider": "atlas", "model_name": agent.model,
            "parameters": {"temperature": "0.2", "max_tokens": "1024"},
            "code_commit": digest(agent, version).get(7..19),
        },
    })
}

fn deployed(agent: &Agent, from: Option<(&Version, &str)>, to: &Version) -> Value {
    json!({
        "kind": kind::AGENT_VERSION_DEPLOYED,
        "agent_version": to.name,
        "version_digest": digest(agent, to),
        "actor": {"type": "service", "id": "deployer", "authn": "mtls"},
        "links": {"change": from.map(|(_, change)| change)},
        "agent": {
            "from_version": from.map(|(version, _)| version.name), "to_version": to.name,
            "from_digest": from.map(|(version, _)| digest(agent, version)),
            "to_digest": digest(agent, to), "traffic_share": 1.0,
        },
    })
}

/// Digest of a version, over its name, model and prompt.
pub(super) fn digest(agent: &Agent, version: &Version) -> String {
    sha256(&format!("{}\n{}\n{}", version.name, agent.model, version.prompt))
}

/// `sha256:` and hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    format!("sha256:{}", merkle::hash::to_hex(&merkle::hash::sha256(text.as_bytes())))
}
