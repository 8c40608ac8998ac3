//! The event of a record that does not decode.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::frame::Encoding;
use super::{Fault, broker_time};
use crate::cell::Cell;
use crate::column;
use crate::event::Event;
use crate::id;
use crate::kind;
use crate::record::{Headers, Record};
use crate::schema::{ColumnId, SCHEMA_VERSION};

/// Keeps the exact bytes beside the reason. Nothing of them is trusted: the key names no agent.
pub(super) fn event<'a>(record: &Record<'a>, fault: &Fault, encoding: Encoding) -> Event<'a> {
    let mut event = Event::with_capacity(11);
    let mut set = |column: ColumnId, cell: Option<Cell<'a>>| {
        if let Some(cell) = cell {
            event.set(column, cell);
        }
    };
    let own = |text: String| Some(Cell::Text(Cow::Owned(text)));
    let name = |text: &'static str| Cell::Text(Cow::Borrowed(text));
    let exact = |bytes: &'a [u8]| Cell::Bytes(Cow::Borrowed(bytes));
    set(
        column::EVENT_ID.id(),
        own(id::from_position(record.topic, record.partition, record.offset)),
    );
    set(column::EVENT_TIME.id(), Some(Cell::Time(broker_time(record))));
    set(column::KIND.id(), Some(name(kind::QUARANTINE_ADDED)));
    set(column::quarantine::DETAIL.id(), own(fault.detail.clone()));
    set(column::quarantine::ENCODING.id(), encoding.name().map(name));
    set(column::quarantine::HEADERS.id(), headers(record.headers).and_then(own));
    set(column::quarantine::KEY.id(), record.key.map(exact));
    set(column::quarantine::POINTER.id(), own(fault.pointer.clone()));
    set(column::quarantine::REASON.id(), Some(name(fault.reason.name())));
    set(column::quarantine::VALUE.id(), record.value.map(exact));
    set(column::SCHEMA_VERSION.id(), Some(Cell::Int(SCHEMA_VERSION)));
    event
}

/// `[["name", "base64"], ["name", null]]`; nothing if there are no headers. A name that is no text is
/// shown with the escapes of its bytes (`caf\xe9`).
fn headers(headers: Headers<'_>) -> Option<String> {
    let text = |name: &[u8]| match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => name.escape_ascii().to_string(),
    };
    let listed: Vec<(String, Option<String>)> = headers
        .all()
        .map(|(name, value)| (text(name), value.map(|v| STANDARD.encode(v))))
        .collect();
    if listed.is_empty() { None } else { serde_json::to_string(&listed).ok() }
}
