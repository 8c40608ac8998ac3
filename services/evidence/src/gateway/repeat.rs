//! An act whose identifier is recorded already: the same act once more, or another one under its name.

use act::maintenance::MAINTENANCE;
use event::{Cell, ColumnId, Event, Timestamp, column, kind, schema};

use super::asked::Asked;
use super::history::{At, History, subject};

/// Columns that the same act may have otherwise: the gateway fills them.
const OWN: [ColumnId; 8] = [
    column::EVENT_TIME.id(),
    column::RECEIVED_AT.id(),
    column::SCHEMA_VERSION.id(),
    column::actor::AUTHN.id(),
    column::actor::CREDENTIAL.id(),
    column::governance::NONCE.id(),
    column::governance::SIGNED_BY.id(),
    column::governance::SIGNATURE.id(),
];
/// Instants that a request may give by a duration: the same act has them at the same distance from its
/// own time.
const RELATIVE: [ColumnId; 4] = [
    column::drift::FROM.id(),
    column::drift::UNTIL.id(),
    column::maintenance::FROM.id(),
    column::maintenance::UNTIL.id(),
];

/// Acts that undo or replace each other: an act that one of them followed is over, so that doing it again is
/// another act.
struct Rivals {
    kinds: &'static [&'static str],
    /// Whether a later one of the same kind replaces it too.
    same_kind: bool,
    /// What they are about, beside tenant and agent.
    about: About,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Environment,
    Agent,
    Subject,
}

const RIVALS: [Rivals; 7] = [
    Rivals {
        kinds: &[kind::AGENT_VERSION_DEPLOYED, kind::AGENT_VERSION_ROLLED_BACK],
        same_kind: true,
        about: About::Environment,
    },
    Rivals {
        kinds: &[kind::AGENT_REGISTERED, kind::AGENT_UPDATED, kind::AGENT_RETIRED],
        same_kind: true,
        about: About::Agent,
    },
    Rivals {
        kinds: &[kind::CHANGE_APPROVED, kind::CHANGE_REJECTED],
        same_kind: false,
        about: About::Subject,
    },
    Rivals {
        kinds: &[kind::INCIDENT_OPENED, kind::INCIDENT_CLOSED],
        same_kind: false,
        about: About::Subject,
    },
    Rivals {
        kinds: &[kind::POLICY_VERSION_PUBLISHED, kind::POLICY_VERSION_RETIRED],
        same_kind: true,
        about: About::Subject,
    },
    Rivals {
        kinds: &[kind::CORPUS_VERSION_CREATED, kind::CORPUS_RETIRED],
        same_kind: true,
        about: About::Subject,
    },
    Rivals {
        kinds: &[kind::RISK_ASSESSED, kind::RISK_DECIDED, kind::RISK_ACCEPTED, kind::RISK_CLOSED],
        same_kind: true,
        about: About::Subject,
    },
];

/// The identifier that a request gives, and the tenant if the request knows it.
pub(super) fn identity(asked: &Asked) -> (&str, Option<Option<&str>>) {
    match asked {
        Asked::Act(event) => {
            let id = event.text(column::EVENT_ID).unwrap_or_default();
            (id, Some(event.text(column::TENANT_ID)))
        }
        Asked::End { stamp, .. } | Asked::Answer { stamp, .. } => (&stamp.event_id, None),
    }
}

/// The fields by which a request differs from a recorded act; none if it is the same.
pub(super) fn differences(asked: &Asked, recorded: &Event<'_>) -> Vec<String> {
    match asked {
        Asked::Act(event) => fields_that_differ(event, recorded),
        Asked::End { timed, id, ending, .. } => {
            let is_window = **timed == MAINTENANCE;
            let (id_column, reason) = if is_window {
                (column::maintenance::ID, column::maintenance::REASON)
            } else {
                (column::drift::SUPPRESSION_ID, column::drift::REASON)
            };
            let mut wrong = texts_that_differ(
                recorded,
                &[
                    (column::KIND, timed.ended),
                    (id_column, id),
                    (column::actor::ID, &ending.actor.id),
                    (reason, &ending.actor.reason),
                ],
            );
            if let Some(at) = ending.at
                && recorded.time(column::maintenance::UNTIL) != Some(at)
            {
                wrong.push(column::maintenance::UNTIL.id().path().to_owned());
            }
            wrong
        }
        Asked::Answer { answer, alert_id, actor, .. } => texts_that_differ(
            recorded,
            &[
                (column::KIND, answer.kind()),
                (column::drift::ALERT_ID, alert_id),
                (column::actor::ID, &actor.id),
                (column::drift::REASON, &actor.reason),
            ],
        ),
    }
}

type TextColumn = event::TypedColumn<event::typed::Text>;

fn texts_that_differ(recorded: &Event<'_>, expected: &[(TextColumn, &str)]) -> Vec<String> {
    let wrong = expected.iter().filter(|(column, text)| recorded.text(*column) != Some(*text));
    wrong.map(|(column, _)| column.id().path().to_owned()).collect()
}

fn fields_that_differ(asked: &Event<'_>, recorded: &Event<'_>) -> Vec<String> {
    let since = |event: &Event<'_>, id: ColumnId| match event.get(id) {
        Some(Cell::Time(at)) => {
            let own = event.time(column::EVENT_TIME).map_or(0, Timestamp::micros);
            Some(at.micros().saturating_sub(own))
        }
        _ => None,
    };
    let differs = |id: &ColumnId| {
        let is_equal = asked.get(*id) == recorded.get(*id)
            || (RELATIVE.contains(id) && since(asked, *id) == since(recorded, *id));
        !is_equal && !OWN.contains(id)
    };
    schema().ids().filter(differs).map(|id| id.path().to_owned()).collect()
}

/// Whether a recorded act was undone or replaced since: by the act at that position, or perhaps, if
/// what followed it is not remembered.
pub(super) fn superseded(history: &History, at: At, event: &Event<'_>) -> Option<Option<At>> {
    let own = event.text(column::KIND)?;
    let rivals = RIVALS.iter().find(|rivals| rivals.kinds.contains(&own))?;
    if !history.knows_since(at) {
        return Some(None);
    }
    let about = |event: &Event<'_>| {
        let text = |column: TextColumn| event.text(column).map(str::to_owned);
        let further = match rivals.about {
            About::Environment => text(column::ENVIRONMENT),
            About::Agent => None,
            About::Subject => subject(event).map(str::to_owned),
        };
        [text(column::TENANT_ID), text(column::AGENT_ID), further]
    };
    let is_rival = |kind: &str| rivals.kinds.contains(&kind) && (rivals.same_kind || kind != own);
    let subject = about(event);
    let later = history.acts().rev().take_while(|act| act.at > at);
    let mut rival = later.filter(|act| is_rival(act.kind()) && about(&act.event) == subject);
    rival.next().map(|act| Some(act.at))
}
