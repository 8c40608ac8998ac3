//! The event that publishes a suite.
//!
//! It belongs to no agent: its record has no key and stands in every partition of the events
//! topic, so that each partition knows from one offset of its own which document is in force. The
//! partitions of the agents named would not do: an agent that a later version no longer names must
//! learn that too.

use event::{BuildError, Event, EventBuilder, Timestamp};

use crate::document::Suite;
use crate::trial::columns;

/// Kind of the event.
pub const KIND: &str = "eval.suite.published";

/// The event that publishes a suite.
///
/// # Errors
///
/// Never while the schema has these columns, which a test makes sure of.
pub fn publication(
    suite: &Suite,
    event_id: &str,
    event_time: Timestamp,
    tenant_id: Option<&str>,
) -> Result<Event<'static>, BuildError> {
    EventBuilder::new(KIND)
        .set("event_id", event_id)
        .set("event_time", event_time)
        .set_some("tenant_id", tenant_id)
        .set("links.suite", suite.name())
        .set("eval.suite", suite.name())
        .set("eval.suite_digest", suite.digest())
        .set("eval.document", suite.canonical())
        .build()
}

/// The document of an event that publishes a suite; `None` for any other event.
#[must_use]
pub fn document_of<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let columns = columns();
    if event.text(columns.kind) != Some(KIND) {
        return None;
    }
    Some(event.text(columns.eval_document).unwrap_or_default())
}
