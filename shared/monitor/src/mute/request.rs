//! The common part of requests: who requests it, and for which agent. The limits of requests.
//!
//! Times in requests come from senders, so arithmetic on them saturates.

use event::typed::{Text, Time};
use event::{Event, Timestamp, TypedColumn, column};

use crate::identity::{Identity, bounded};
use crate::output::{About, Destination, Outputs};

/// Longest duration of a request, and how far ahead it may begin.
pub(super) const AHEAD_MICROS_MAX: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Largest number of suppressions, or of maintenance windows, of one agent.
pub(super) const PER_AGENT_MAX: usize = 32;
/// Largest number of them in a partition.
pub(super) const PER_PARTITION_MAX: usize = 1_024;

/// The common part of a request.
#[derive(Debug)]
pub(super) struct MuteRequest {
    /// Identifier of the event.
    pub(super) event_id: String,
    /// The requester; empty if absent.
    pub(super) actor: String,
    /// The agent; its id is empty for all agents.
    pub(super) about: Identity,
}

impl MuteRequest {
    pub(super) fn of(event: &Event<'_>) -> Self {
        Self {
            event_id: own(event, column::EVENT_ID).unwrap_or_default(),
            actor: own(event, column::actor::ID).unwrap_or_default(),
            about: Identity::of(event, event.text(column::AGENT_ID).unwrap_or_default()),
        }
    }

    /// Whether it is about the agent of another request, in any environment.
    pub(super) fn concerns(&self, other: &Identity) -> bool {
        (&other.tenant, &other.id) == (&self.about.tenant, &self.about.id)
    }

    /// Why the request is refused, if it names no requester.
    pub(super) fn check_actor(&self) -> Result<(), &'static str> {
        if self.actor.is_empty() {
            return Err("it names no requester: `actor.id` is missing");
        }
        Ok(())
    }

    /// Responds that the request is refused, by an event of that kind with the identifier and the
    /// reason in those columns.
    pub(super) fn refuse(
        &self,
        (kind, (id_column, reason_column)): (&str, (TypedColumn<Text>, TypedColumn<Text>)),
        id: &str,
        why: &str,
        outputs: &mut Outputs<'_>,
    ) {
        let (time, about) = (outputs.time(), About::version(&self.about, ""));
        outputs.push(Destination::Alerts, kind, time, about, |builder| {
            builder
                .set(id_column, id)
                .set(reason_column, why)
                .set(column::links::CAUSATION, self.event_id.as_str())
        });
    }
}

/// A text, bounded in size; `None` if it is absent or empty.
pub(super) fn own(event: &Event<'_>, column: TypedColumn<Text>) -> Option<String> {
    let text = event.text(column).filter(|text| !text.is_empty());
    text.map(|text| bounded(text).into_owned())
}

pub(super) fn micros(event: &Event<'_>, column: TypedColumn<Time>) -> Option<i64> {
    event.time(column).map(Timestamp::micros)
}
