//! A maintenance window: a time range that is measured and excluded from drift detection, for the agent that the event names or for the whole partition.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Time, TypedColumn, column};

/// Event time of its beginning, inclusive; the event_time of maintenance.started if that does not say.
pub const FROM: TypedColumn<Time> = column("maintenance.from");
/// The window, the same in every partition; the event_id of its maintenance.started if that does not say.
pub const ID: TypedColumn<Text> = column("maintenance.id");
/// Why; of maintenance.refused, what is wrong with it.
pub const REASON: TypedColumn<Text> = column("maintenance.reason");
/// Event time of its end, exclusive, at most 30 days after its beginning; of maintenance.ended its event_time if it does not say.
pub const UNTIL: TypedColumn<Time> = column("maintenance.until");
