//! What a request asks for: its body, checked.
//!
//! Every act has `kind`, `by` (who acts, self-reported) and `reason`; `event_id` is optional and makes a
//! request that is repeated the same act. The other fields depend on the kind. Those of acts that
//! change what the monitor does have a form of their own; any other kind that people write takes the
//! fields of its event.

use act::alert::Answer;
use act::baseline::{Pin, Unpin};
use act::maintenance::MAINTENANCE;
use act::suppression::SUPPRESSION;
use act::{ActError, Actor, End, Ending, Field, Period, Request, Stamp, Target, Timed};
use event::kind::Writer;
use event::{Event, Limits, Timestamp, column, decode, kind, schema};
use serde_json::{Value, json};
use suite::Suite;

use super::fields::Fields;
use super::problem::Problem;
use super::rejection::Rejection;
use super::required;

const SECOND: i64 = 1_000_000;
const SEVERITIES: [&str; 2] = ["page", "ticket"];
/// Fields of an event that the gateway itself fills.
const OWN: [&str; 8] = [
    "actor",
    "event_time",
    "governance",
    "ingested_at",
    "monitor",
    "origin",
    "received_at",
    "schema_version",
];

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// An act that is complete.
    Act(Event<'static>),
    /// To end early what is in force.
    End {
        /// Of which sort.
        timed: &'static Timed,
        /// Its identifier.
        id: String,
        /// The end.
        ending: Ending,
        /// Identity and time of the act.
        stamp: Stamp,
    },
    /// An answer to a firing alert.
    Answer {
        /// The answer.
        answer: Answer,
        /// The alert.
        alert_id: String,
        /// Who answers.
        actor: Actor,
        /// Identity and time of the act.
        stamp: Stamp,
    },
}

impl Asked {
    /// Reads a body, at `now`; `new_id` makes identifiers.
    pub(super) fn parse(
        body: &[u8],
        now: Timestamp,
        new_id: impl Fn() -> String,
    ) -> Result<Self, Rejection> {
        let mut fields = Fields::parse(body)?;
        let kind = fields.required("kind");
        let event_id = fields.text("event_id").unwrap_or_else(&new_id);
        let stamp = Stamp { event_id, time: now };
        let asked = match kind.as_str() {
            kind::DRIFT_SUPPRESSION_STARTED => start(&SUPPRESSION, &mut fields, &stamp),
            kind::DRIFT_SUPPRESSION_ENDED => {
                end(&SUPPRESSION, "suppression_id", &mut fields, stamp)
            }
            kind::MAINTENANCE_STARTED => start(&MAINTENANCE, &mut fields, &stamp),
            kind::MAINTENANCE_ENDED => end(&MAINTENANCE, "maintenance_id", &mut fields, stamp),
            kind::DRIFT_BASELINE_PINNED => {
                let (target, alert_id) = (pinned(&mut fields, true), fields.text("alert_id"));
                let pin = Pin { target, alert_id, actor: actor(&mut fields) };
                act(&mut fields, |_| pin.event(&stamp))
            }
            kind::DRIFT_BASELINE_UNPINNED => {
                let target = pinned(&mut fields, false);
                let unpin = Unpin { target, actor: actor(&mut fields) };
                act(&mut fields, |_| unpin.event(&stamp))
            }
            kind::EVAL_SUITE_PUBLISHED => suite_of(&mut fields, &stamp),
            kind::DRIFT_ALERT_ACKNOWLEDGED => answer(Answer::Acknowledge, &mut fields, stamp),
            kind::DRIFT_ALERT_DISMISSED => answer(Answer::Dismiss, &mut fields, stamp),
            other => free(other, &mut fields, &stamp),
        };
        fields.finish()?;
        let Some(asked) = asked else { unreachable!("what is not asked has a problem") };
        Ok(asked)
    }
}

fn actor(fields: &mut Fields) -> Actor {
    Actor { id: fields.required("by"), reason: fields.required("reason") }
}

/// The event that `build` makes, unless a field is wrong already.
fn act(
    fields: &mut Fields,
    build: impl FnOnce(&mut Fields) -> Result<Event<'static>, ActError>,
) -> Option<Asked> {
    if fields.has_problems() {
        return None;
    }
    match build(fields) {
        Ok(event) => Some(Asked::Act(event)),
        Err(error) => {
            let Problem { field, reason } = problem_of(error);
            fields.wrong(&field, reason);
            None
        }
    }
}

/// The problem of an act, by the name of the field of the request.
pub(super) fn problem_of(error: ActError) -> Problem {
    match error {
        ActError::Invalid { field, reason } => {
            let field = match field {
                Field::Actor => "by",
                Field::Reason => "reason",
                Field::Agent => "agent_id",
                Field::Metric => "metric",
                Field::Until => "until",
                Field::Duration => "for_secs",
                Field::EndedAt => "ended_at",
            };
            Problem::new(field, reason)
        }
        ActError::Build(error) => Problem::new("kind", error.to_string()),
    }
}

fn start(timed: &'static Timed, fields: &mut Fields, stamp: &Stamp) -> Option<Asked> {
    let severity = fields.text("severity");
    if severity.as_deref().is_some_and(|severity| !SEVERITIES.contains(&severity)) {
        fields.wrong("severity", "must be `page` or `ticket`");
    }
    let is_for_one = *timed == SUPPRESSION;
    let target = Target {
        tenant_id: fields.text("tenant_id"),
        agent_id: if is_for_one { fields.needed("agent_id") } else { fields.text("agent_id") },
        environment: fields.text("environment"),
        agent_version: fields.text("agent_version"),
        metric: fields.text("metric"),
        suite: fields.text("suite"),
        severity,
    };
    if *timed == MAINTENANCE {
        for (field, value) in [
            ("agent_version", &target.agent_version),
            ("metric", &target.metric),
            ("suite", &target.suite),
            ("severity", &target.severity),
        ] {
            if value.is_some() {
                fields.wrong(field, "is not a field of maintenance, which covers whole agents");
            }
        }
        // Nobody excludes every agent by leaving a field out.
        if fields.flag("all_agents") == target.agent_id.is_some() {
            fields.wrong("agent_id", "is required, or `all_agents` must be true, but not both");
        }
    }
    let from = fields.time("from");
    let before = fields.noted();
    let end = match (fields.time("until"), fields.positive("for_secs")) {
        (Some(until), None) => Some(End::At(until)),
        (None, Some(secs)) => match secs.checked_mul(SECOND) {
            Some(micros) => Some(End::After(micros)),
            None => {
                fields.wrong("for_secs", "must end within the years 1 to 9999");
                None
            }
        },
        (None, None) | (Some(_), Some(_)) => None,
    };
    if end.is_none() && fields.noted() == before {
        fields.wrong("until", "is required, or `for_secs`, but not both");
    }
    let actor = actor(fields);
    let id = stamp.event_id.clone();
    act(fields, |_| {
        let Some(end) = end else { unreachable!("an end that is absent is a problem") };
        let request = Request { id, target, period: Period { from, end }, actor };
        request.event(timed, stamp)
    })
}

fn end(timed: &'static Timed, id_field: &str, fields: &mut Fields, stamp: Stamp) -> Option<Asked> {
    let id = fields.required(id_field);
    let at = if *timed == MAINTENANCE { fields.time("ended_at") } else { None };
    let ending = Ending { at, actor: actor(fields) };
    Some(Asked::End { timed, id, ending, stamp })
}

fn pinned(fields: &mut Fields, with_version: bool) -> Target {
    Target {
        tenant_id: fields.text("tenant_id"),
        agent_id: fields.needed("agent_id"),
        environment: fields.text("environment"),
        agent_version: if with_version { fields.text("agent_version") } else { None },
        metric: fields.text("metric"),
        ..Target::default()
    }
}

fn suite_of(fields: &mut Fields, stamp: &Stamp) -> Option<Asked> {
    let by = fields.required("by");
    let tenant_id = fields.text("tenant_id");
    let document = fields.document("document");
    let suite = match document.as_deref().map(Suite::parse) {
        Some(Ok(suite)) => suite,
        Some(Err(problems)) => {
            fields.wrong("document", problems.to_string());
            return None;
        }
        None => {
            fields.wrong("document", "is required: a suite in YAML or JSON");
            return None;
        }
    };
    act(fields, |_| {
        let mut event = act::suite::publish(&suite, stamp)?;
        event.set(column::actor::TYPE.id(), "human".into());
        event.set(column::actor::ID.id(), by.into());
        event.set(column::actor::EVIDENCE_LEVEL.id(), "self_reported".into());
        if let Some(tenant_id) = tenant_id {
            event.set(column::TENANT_ID.id(), tenant_id.into());
        }
        Ok(event)
    })
}

fn answer(answer: Answer, fields: &mut Fields, stamp: Stamp) -> Option<Asked> {
    let alert_id = fields.required("alert_id");
    Some(Asked::Answer { answer, alert_id, actor: actor(fields), stamp })
}

/// An act whose fields are those of its event.
fn free(kind: &str, fields: &mut Fields, stamp: &Stamp) -> Option<Asked> {
    let known = schema().kind(kind).filter(|known| known.is_written_by(Writer::People));
    let Some(known) = known else {
        if !fields.has_problems() {
            let text = "is not a kind that people write; schemas/events/reference.md lists them";
            fields.wrong("kind", text);
        }
        fields.take_rest();
        return None;
    };
    let by = fields.required("by");
    let reason = fields.text("reason");
    let mut object = fields.take_rest();
    for own in OWN.iter().filter(|own| object.contains_key(**own)) {
        fields.wrong(own, "is filled in by the gateway");
    }
    object.insert("kind".to_owned(), json!(kind));
    object.insert("event_id".to_owned(), json!(stamp.event_id));
    object.insert("event_time".to_owned(), json!(stamp.time.to_string()));
    object.insert(
        "actor".to_owned(),
        json!({"type": "human", "id": by, "evidence_level": "self_reported"}),
    );
    if let Some(reason) = reason {
        let family = object.entry(known.family.clone()).or_insert_with(|| json!({}));
        if let Value::Object(family) = family {
            family.entry("reason").or_insert_with(|| json!(reason));
        }
    }
    if fields.has_problems() {
        return None;
    }
    let text = Value::Object(object).to_string();
    match decode::decode_json(text.as_bytes(), Limits::default()) {
        Ok(event) => {
            let event = event.into_owned();
            // A field without a column would be kept, and mean nothing.
            let own_reason = format!("{}.reason", known.family);
            for unknown in unknown_fields(&event) {
                let field = if unknown == own_reason { "reason" } else { &unknown };
                fields.wrong(field, format!("is not a field of `{kind}`"));
            }
            for missing in required::missing(&event) {
                fields.wrong(missing.path(), "is required");
            }
            (!fields.has_problems()).then_some(Asked::Act(event))
        }
        Err(fault) => {
            let field = fault.pointer.trim_start_matches('/').replace('/', ".");
            let field = if field.is_empty() { "kind".to_owned() } else { field };
            fields.wrong(&field, fault.detail.clone());
            None
        }
    }
}

/// Paths of fields that have no column.
fn unknown_fields(event: &Event<'_>) -> Vec<String> {
    match event.get(column::ATTRIBUTES) {
        Some(event::Cell::Map(pairs)) => pairs.iter().map(|(key, _)| key.to_string()).collect(),
        Some(_) | None => Vec::new(),
    }
}
