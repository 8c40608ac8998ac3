//! What a request says: who asks, about whom; and the bounds that both kinds share.

use event::{ColumnId, Event, Timestamp};

use crate::columns::columns;
use crate::identity::{Identity, bounded};

/// Longest time that may be kept quiet, and how far ahead it may begin.
pub(super) const AHEAD_MICROS_MAX: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Suppressions or windows of one agent, and of all agents together, that are held at once.
pub(super) const PER_AGENT_MAX: usize = 32;
/// The same of a partition.
pub(super) const PER_PARTITION_MAX: usize = 1_024;

/// Who asks, about whom.
#[derive(Debug)]
pub(super) struct Asked {
    /// Identifier of the event.
    pub(super) event_id: String,
    /// Who asks; empty if the event does not say.
    pub(super) actor: String,
    /// The agent it is about; its id is empty if it is about all of them.
    pub(super) about: Identity,
}

impl Asked {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let columns = columns();
        Self {
            event_id: own(event, columns.event_id).unwrap_or_default(),
            actor: own(event, columns.actor_id).unwrap_or_default(),
            about: Identity::of(event, event.text(columns.agent_id).unwrap_or_default()),
        }
    }
}

/// A text that is there, bounded in size.
pub(super) fn own(event: &Event<'_>, column: ColumnId) -> Option<String> {
    let text = event.text(column).filter(|text| !text.is_empty());
    text.map(|text| bounded(text).into_owned())
}

pub(super) fn micros(event: &Event<'_>, column: ColumnId) -> Option<i64> {
    event.time(column).map(Timestamp::micros)
}
