//! Eval suites: put a document in force.

use event::Event;
use suite::Suite;

use crate::actor::Stamp;
use crate::error::ActError;

/// The event that puts a suite in force; one for each partition, each with a stamp of its own.
/// Publishing it again is harmless: the document in force stays the same.
///
/// # Errors
///
/// See [`ActError`].
pub fn publish(suite: &Suite, stamp: &Stamp) -> Result<Event<'static>, ActError> {
    Ok(suite::publication(suite, &stamp.event_id, stamp.time, None)?)
}
