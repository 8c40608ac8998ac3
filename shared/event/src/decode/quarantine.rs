//! The event of a record that does not decode.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::frame::Encoding;
use super::{Fault, broker_time};
use crate::cell::Cell;
use crate::event::Event;
use crate::id;
use crate::record::{Headers, Record};
use crate::schema::{SCHEMA_VERSION, schema};

/// Keeps the exact bytes beside the reason. Nothing of them is trusted: the key names no agent.
pub(super) fn event<'a>(record: &Record<'a>, fault: &Fault, encoding: Encoding) -> Event<'a> {
    let mut event = Event::with_capacity(11);
    let mut set = |path: &str, cell: Option<Cell<'a>>| {
        if let (Some(column), Some(cell)) = (schema().id(path), cell) {
            event.set(column, cell);
        }
    };
    let own = |text: String| Some(Cell::Text(Cow::Owned(text)));
    let name = |text: &'static str| Cell::Text(Cow::Borrowed(text));
    let exact = |bytes: &'a [u8]| Cell::Bytes(Cow::Borrowed(bytes));
    set("event_id", own(id::from_position(record.topic, record.partition, record.offset)));
    set("event_time", Some(Cell::Time(broker_time(record))));
    set("kind", Some(name("quarantine.added")));
    set("quarantine.detail", own(fault.detail.clone()));
    set("quarantine.encoding", encoding.name().map(name));
    set("quarantine.headers", headers(record.headers).and_then(own));
    set("quarantine.key", record.key.map(exact));
    set("quarantine.pointer", own(fault.pointer.clone()));
    set("quarantine.reason", Some(name(fault.reason.name())));
    set("quarantine.value", record.value.map(exact));
    set("schema_version", Some(Cell::Int(SCHEMA_VERSION)));
    event
}

/// `[["name", "base64"], ["name", null]]`; nothing if there are no headers.
fn headers(headers: Headers<'_>) -> Option<String> {
    let listed: Vec<(&str, Option<String>)> =
        headers.iter().map(|(name, value)| (name, value.map(|v| STANDARD.encode(v)))).collect();
    if listed.is_empty() { None } else { serde_json::to_string(&listed).ok() }
}
