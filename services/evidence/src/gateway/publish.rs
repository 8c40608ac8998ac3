//! Signs an act and publishes it.

use ::access::{Forbidden, Principal};
use act::maintenance::MAINTENANCE;
use event::{Cell, Decoder, Event, Limits, Timestamp, TopicPartition, column, kind};
use governance::{Id, sign_act};
use ports::{Outgoing, publish_and_wait};
use serde_json::Value;
use service::read::read_ranges;

use super::asked::{Asked, problem_of};
use super::history::At;
use super::problem::Problem;
use super::rejection::Rejection;
use super::repeat;
use super::state::Gateway;

/// An act that is recorded.
#[derive(Debug)]
pub(super) struct Done {
    /// Whether this request recorded it.
    pub(super) is_new: bool,
    /// The answer.
    pub(super) value: Value,
}

/// Publishes what was asked for, unless it is recorded already, for `principal`.
pub(super) fn publish(
    gateway: &Gateway,
    mut asked: Asked,
    principal: &Principal,
    now: Timestamp,
) -> Result<Done, Rejection> {
    if let Asked::Act(event) = &mut asked {
        permit(principal, event, true)?;
    }
    let (event_id, _) = repeat::identity(&asked);
    let _recording = gateway.record(event_id)?;
    if let Some(done) = recorded(gateway, &asked, principal)? {
        return Ok(done);
    }
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
    // What answers or ends something is of its tenant, whoever asks.
    permit(principal, &mut event, false)?;
    let (at, signed) = write(gateway, event, principal)?;
    Ok(done(gateway, true, at, &signed))
}

/// The answer if the act is recorded already.
fn recorded(
    gateway: &Gateway,
    asked: &Asked,
    principal: &Principal,
) -> Result<Option<Done>, Rejection> {
    let (event_id, tenant) = repeat::identity(asked);
    let places = gateway.history()?.recorded(event_id);
    for at in places {
        let Some(mut event) = read_again(gateway, at)? else {
            let text = format!("the act at offset {} of the governance topic is gone", at.1);
            return Err(Rejection::Incomplete(text));
        };
        if tenant.is_some_and(|tenant| event.text(column::TENANT_ID) != tenant) {
            continue;
        }
        permit(principal, &mut event, false)?;
        let topic = &gateway.parts.topics.governance;
        let place = format!("{topic}/{}@{}", at.0, at.1);
        let differs = repeat::differences(asked, &event);
        if !differs.is_empty() {
            return Err(Rejection::OtherContent(format!(
                "`event_id` {} is that of another act, recorded as {place}; it differs in {}",
                event::plain::Name(event_id),
                differs.join(", ")
            )));
        }
        if let Some(by) = repeat::superseded(&*gateway.history()?, at, &event) {
            let since = match by {
                Some(by) => format!("the act at {topic}/{}@{} undid or replaced it", by.0, by.1),
                None => "so long ago that what followed is not remembered".to_owned(),
            };
            return Err(Rejection::Superseded(format!(
                "this act is recorded as {place}; {since}. To record it once more, give it another \
                 `event_id` (`--idempotency-key`)"
            )));
        }
        return Ok(Some(done(gateway, false, at, &event)));
    }
    Ok(None)
}

fn read_again(gateway: &Gateway, at: At) -> Result<Option<Event<'static>>, Rejection> {
    let parts = &gateway.parts;
    let partition = TopicPartition::new(parts.topics.governance.as_str(), at.0);
    let decoder = Decoder::new(Limits::default());
    let mut found = None;
    let range = [(partition, at.1..at.1.saturating_add(1))];
    let _missing = read_ranges(&*parts.log, range, parts.config.read_wait(), |_, record| {
        if record.offset == at.1 {
            found = Some(decoder.decode(record).event.into_owned());
        }
    })?;
    Ok(found)
}

/// Signs an act and waits until the log has it.
fn write(
    gateway: &Gateway,
    mut event: Event<'static>,
    principal: &Principal,
) -> Result<(At, Event<'static>), Rejection> {
    // The gateway knows the credential; the name that the request gave is only what it says.
    event.set(column::actor::AUTHN, principal.authn().name().into());
    if let Some(name) = principal.name() {
        event.set(column::actor::CREDENTIAL, Cell::from(name.to_owned()));
    }
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
        credential = principal.name(),
        offset = at.offset,
        "act recorded"
    );
    let at = (at.partition.partition, at.offset);
    Ok((at, signed))
}

fn done(gateway: &Gateway, is_new: bool, at: At, event: &Event<'_>) -> Done {
    let text = |column| event.text(column).map(Value::from);
    let kind = event.text(column::KIND);
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
        ("topic", Some(Value::from(gateway.parts.topics.governance.as_str()))),
        ("partition", Some(Value::from(at.0))),
        ("offset", Some(Value::from(at.1))),
        ("already_recorded", Some(Value::from(!is_new))),
    ];
    let there = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Done { is_new, value: Value::Object(there.collect()) }
}

/// Refuses an act outside of the scope of who asks; with `fill`, gives one without a tenant that of the scope.
fn permit(principal: &Principal, event: &mut Event<'static>, fill: bool) -> Result<(), Rejection> {
    let Some(scope) = principal.scope() else { return Ok(()) };
    let named = event.text(column::TENANT_ID).map(str::to_owned);
    if fill {
        let tenant = scope.tenant(named.as_deref(), None).map_err(Rejection::Forbidden)?;
        if let Some(tenant) = tenant.filter(|_| named.is_none()) {
            event.set(column::TENANT_ID, Cell::from(tenant.to_owned()));
        }
    } else if !scope.covers_tenant(named.as_deref()) {
        return Err(Rejection::Forbidden(Forbidden::Tenant(named)));
    }
    scope.check(event).map_err(Rejection::Forbidden)
}

fn invalid(error: act::ActError) -> Rejection {
    Rejection::Fields(vec![problem_of(error)])
}

fn record(topic: &str, event: &Event<'_>) -> Outgoing {
    let subject = event.text(column::AGENT_ID).unwrap_or("");
    Outgoing::event_as_json(topic, event).with_key(subject.as_bytes())
}
