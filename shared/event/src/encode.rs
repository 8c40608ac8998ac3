//! From an event to the bytes of a record: Avro single-object encoding (Avro 1.11, "Single-object
//! encoding") with the bundled schema.

use crate::event::Event;

/// Appends the single-object encoding of an event. Every required column must have a value
/// (builders and decoders see to it; `event_id` and `event_time` must have been filled).
pub fn encode(event: &Event<'_>, into: &mut Vec<u8>) {
    let _ = (event, into);
    todo!()
}
