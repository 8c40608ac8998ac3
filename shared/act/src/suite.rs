//! Eval suites: putting a document in force.

use event::Event;
use suite::Suite;

use crate::actor::Stamp;
use crate::error::ActError;

/// The event that puts a suite in force; each partition needs one, with its own stamp. Idempotent:
/// publishing the document in force again changes nothing.
///
/// # Errors
///
/// See [`ActError`].
pub fn publish(suite: &Suite, stamp: &Stamp) -> Result<Event<'static>, ActError> {
    Ok(suite::publication(suite, &stamp.event_id, stamp.time, None)?)
}
