//! What every request carries: who requests it, for which agent; and the bounds of requests.

use event::typed::{Text, Time};
use event::{Event, Timestamp, TypedColumn, column};

use crate::identity::{Identity, bounded};

/// Longest duration of a request, and how far ahead it may begin.
pub(super) const AHEAD_MICROS_MAX: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Suppressions or windows of one agent, and of all agents together, that are held at once.
pub(super) const PER_AGENT_MAX: usize = 32;
/// The same of a partition.
pub(super) const PER_PARTITION_MAX: usize = 1_024;

/// Who requests it, for which agent.
#[derive(Debug)]
pub(super) struct MuteRequest {
    /// Identifier of the event.
    pub(super) event_id: String,
    /// Who requests it; empty if the event does not say.
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
}

/// A text that is there, bounded in size.
pub(super) fn own(event: &Event<'_>, column: TypedColumn<Text>) -> Option<String> {
    let text = event.text(column).filter(|text| !text.is_empty());
    text.map(|text| bounded(text).into_owned())
}

pub(super) fn micros(event: &Event<'_>, column: TypedColumn<Time>) -> Option<i64> {
    event.time(column).map(Timestamp::micros)
}
