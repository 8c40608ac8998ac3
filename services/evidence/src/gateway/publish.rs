//! Signs an act and publishes it.

use act::maintenance::MAINTENANCE;
use event::{Event, Timestamp, column, kind};
use governance::{Id, sign_act};
use ports::{Outgoing, publish_and_wait};
use serde_json::Value;

use super::asked::{Asked, problem_of};
use super::problem::Problem;
use super::rejection::Rejection;
use super::state::Gateway;

/// Publishes what was asked for; `token` is the name of the token that was shown. Returns the answer.
pub(super) fn publish(
    gateway: &Gateway,
    asked: Asked,
    token: &str,
    now: Timestamp,
) -> Result<Value, Rejection> {
    let mut event = match asked {
        Asked::Act(event) => event,
        Asked::End { timed, id, ending, stamp } => gateway.with_view(|view| {
            let is_window = *timed == MAINTENANCE;
            let all = if is_window { &view.windows } else { &view.suppressions };
            let found = all.get(&id).filter(|one| one.is_open(now));
            let found = found.ok_or_else(|| {
                let id = event::plain::Name(&id);
                Rejection::NotInForce(format!("{} `{id}` is not in force", timed.name))
            })?;
            ending.event(timed, found, &stamp).map_err(invalid)
        })?,
        Asked::Answer { answer, alert_id, actor, stamp } => gateway.with_view(|view| {
            let alert = view.alerts.get(&alert_id).ok_or_else(|| {
                let id = event::plain::Name(&alert_id);
                Rejection::NotInForce(format!("alert `{id}` is not firing"))
            })?;
            answer.event(alert, &actor, &stamp).map_err(invalid)
        })?,
    };
    // The gateway knows the token; the name that the request gave is only what it says.
    event.set(column::actor::AUTHN.id(), format!("token:{token}").into());
    let parts = &gateway.parts;
    let mut nonce = [0_u8; 16];
    getrandom::fill(&mut nonce).map_err(|error| {
        tracing::error!(%error, "no random bytes for the nonce of an act");
        Rejection::Internal
    })?;
    let signed = sign_act(&parts.key, &parts.installation, Id::from_bytes(nonce), event)
        .map_err(|error| Rejection::Fields(vec![Problem::new("kind", error.to_string())]))?;
    let record = record(&parts.topics.governance, &signed);
    let producer = parts.log.producer();
    let published = publish_and_wait(&*producer, vec![record], gateway.publish_wait())?;
    let Some(at) = published.first() else { unreachable!("an acknowledged record has a position") };
    let kind = signed.text(column::KIND);
    tracing::info!(
        kind,
        event_id = signed.text(column::EVENT_ID),
        token,
        offset = at.offset,
        "act recorded"
    );
    let text = |column| signed.text(column).map(Value::from);
    let suppression = match kind {
        Some(kind::DRIFT_SUPPRESSION_STARTED) => text(column::EVENT_ID),
        _ => text(column::drift::SUPPRESSION_ID),
    };
    let fields = [
        ("kind", kind.map(Value::from)),
        ("event_id", text(column::EVENT_ID)),
        ("agent_id", text(column::AGENT_ID)),
        ("suppression_id", suppression),
        ("maintenance_id", text(column::maintenance::ID)),
        ("alert_id", text(column::drift::ALERT_ID)),
        ("topic", Some(Value::from(at.partition.topic.to_string()))),
        ("partition", Some(Value::from(at.partition.partition))),
        ("offset", Some(Value::from(at.offset))),
    ];
    let there = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Ok(Value::Object(there.collect()))
}

fn invalid(error: act::ActError) -> Rejection {
    Rejection::Fields(vec![problem_of(error)])
}

fn record(topic: &str, event: &Event<'_>) -> Outgoing {
    let subject = event.text(column::AGENT_ID).unwrap_or("");
    Outgoing::event_as_json(topic, event).with_key(subject.as_bytes())
}
