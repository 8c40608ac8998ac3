//! What is in force, as JSON. Instants named `…_at` are by the broker's clock; `since` is when the change
//! that an alert is about is estimated to have begun.

use ::access::Scope;
use act::{InForce, Target};
use event::Timestamp;
use serde_json::{Map, Value, json};

use super::view::View;

/// The list under its name, with what was not believed and what was left out.
fn list(name: &str, entries: Vec<Value>, view: &View) -> Value {
    json!({name: entries, "forged_records": view.forged, "left_out": view.left_out})
}

pub(super) fn alerts(view: &View) -> Value {
    let entries = view.alerts.values().map(|alert| {
        let mut object = target(&alert.target);
        object.insert("alert_id".to_owned(), json!(alert.alert_id));
        object.insert("direction".to_owned(), json!(alert.direction));
        object.insert("since".to_owned(), text(alert.since));
        object.insert("fired_at".to_owned(), text(Some(alert.fired_at)));
        object.insert("acknowledged_at".to_owned(), text(alert.acknowledged_at));
        object.insert("acknowledged_by".to_owned(), json!(alert.acknowledged_by));
        object.insert("last_change_id".to_owned(), json!(alert.last_change_id));
        object.insert("suppressed_by".to_owned(), json!(alert.suppressed_by));
        Value::Object(object)
    });
    list("alerts", entries.collect(), view)
}

pub(super) fn suppressions(view: &View, now: Timestamp) -> Value {
    let open = view.suppressions.values().filter(|one| one.is_open(now));
    list("suppressions", open.map(|one| in_force(one, "suppression_id")).collect(), view)
}

pub(super) fn maintenance(view: &View, now: Timestamp) -> Value {
    let open = view.windows.values().filter(|one| one.is_open(now));
    list("maintenance", open.map(|one| in_force(one, "maintenance_id")).collect(), view)
}

pub(super) fn baselines(view: &View, agent_id: Option<&str>) -> Value {
    let all = view.baselines.iter();
    let asked = all.filter(|([agent, ..], _)| agent_id.is_none() || agent.as_deref() == agent_id);
    let entries = asked.map(|([agent, environment, version, metric, suite, tenant], baseline)| {
        json!({
            "tenant_id": tenant,
            "agent_id": agent,
            "environment": environment,
            "agent_version": version,
            "metric": metric,
            "suite": suite,
            "baseline_kind": baseline.kind,
            "baseline_version": baseline.version,
            "baseline_count": baseline.count,
            "baseline_value": baseline.value,
            "detector": baseline.detector,
            "reason": baseline.reason,
            "set_at": text(Some(baseline.set_at)),
        })
    });
    list("baselines", entries.collect(), view)
}

/// Leaves out the entries that a scope does not cover.
pub(super) fn keep_covered(listed: &mut Value, scope: &Scope) {
    let is_covered = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        scope.covers_agent(text("agent_id")) && scope.covers_tenant(text("tenant_id"))
    };
    for list in listed.as_object_mut().into_iter().flat_map(|object| object.values_mut()) {
        if let Value::Array(entries) = list {
            entries.retain(is_covered);
        }
    }
}

fn in_force(one: &InForce, id: &str) -> Value {
    let mut object = target(&one.target);
    object.insert(id.to_owned(), json!(one.id));
    object.insert("from".to_owned(), text(one.from));
    object.insert("until".to_owned(), text(one.until));
    object.insert("partitions".to_owned(), json!(one.partitions.len()));
    Value::Object(object)
}

fn target(target: &Target) -> Map<String, Value> {
    [
        ("tenant_id", &target.tenant_id),
        ("agent_id", &target.agent_id),
        ("environment", &target.environment),
        ("agent_version", &target.agent_version),
        ("metric", &target.metric),
        ("suite", &target.suite),
        ("severity", &target.severity),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), json!(value)))
    .collect()
}

fn text(time: Option<Timestamp>) -> Value {
    json!(time.map(|time| time.to_string()))
}
