//! CloudEvents 1.0, in all their forms: structured, binary (context in headers), with data in base64.
//!
//! The data is the event; the context (`type`, `source`, …) becomes attributes with the prefix `ce_`.
//! Where the data says nothing, type and time of the CloudEvent are those of the event, and its
//! identifier is derived from source *and* id, which together are what identifies a CloudEvent.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::assemble::{Assembly, Place};
use super::json::{self, Context, Data, Target, Text};
use super::{Fault, Reason, trace};
use crate::cell::Cell;
use crate::column;
use crate::event::Event;
use crate::id;
use crate::time::Timestamp;

/// Domain of identifiers that are derived from source and id.
const DOMAIN: &str = "driftseal/event-id/cloudevent/v1";

/// The event in a CloudEvent of structured mode.
pub(super) fn structured(text: Text<'_>) -> Result<Event<'_>, Fault> {
    let mut context = Context::new("/data");
    context.read(text, Target::CloudEvent)?;
    let (data, assembly) = (std::mem::take(&mut context.data), context.assembly);
    match data {
        Data::Json => finish(assembly, "/data", "/"),
        Data::Base64(text) => {
            let mut outer = assembly.into_owned();
            let bytes = from_base64(&text)?;
            let text = json::text(&bytes).map_err(within)?;
            let mut context = Context::new("/data_base64");
            context.read(text, Target::Event).map_err(within)?;
            outer.join(context.assembly.into_owned());
            finish(outer, "/data_base64", "/")
        }
        Data::Absent => Err(Fault {
            reason: Reason::MissingField,
            pointer: "/data".into(),
            detail: "a CloudEvent without data: the event is its `data`, or JSON in `data_base64`"
                .into(),
        }),
    }
}

/// The event in the value of a CloudEvent of binary mode, whose context is in headers. Names are
/// without their prefix.
pub(super) fn binary<'a>(
    text: Text<'a>,
    headers: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<Event<'a>, Fault> {
    let mut context = Context::new("");
    context.read(text, Target::Event)?;
    let mut seen: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
    for (name, value) in headers {
        // Kafka allows a header to repeat; the last one counts.
        seen.retain(|(earlier, _)| *earlier != name);
        seen.push((name, value));
    }
    for (name, value) in seen {
        let path = Cow::Owned(format!("ce_{name}"));
        context.assembly.attribute(path, Some(value), Place::Top);
    }
    finish(context.assembly, "", "ce_")
}

/// Whether a text that is not an event may be a CloudEvent in structured mode that nobody named as
/// one: every CloudEvent has a `specversion`.
pub(super) fn may_be(text: &str) -> bool {
    text.contains("\"specversion\"")
}

fn from_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let decoded = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text));
    decoded.map_err(|_| Fault {
        reason: Reason::WrongType,
        pointer: "/data_base64".into(),
        detail: "not base64".into(),
    })
}

/// A fault of the decoded data: its bytes are counted within it.
fn within(mut fault: Fault) -> Fault {
    if fault.pointer.starts_with("byte ") {
        fault.detail.push_str(", within the decoded data");
    }
    fault
}

/// Fills what the data does not say from the context, and checks the event.
fn finish<'a>(mut assembly: Assembly<'a>, prefix: &str, context: &str) -> Result<Event<'a>, Fault> {
    let text = |assembly: &Assembly<'a>, name: &str| {
        assembly.attribute_text(name).filter(|text| !text.is_empty())
    };
    if let Some(kind) = text(&assembly, "ce_type")
        && !assembly.has(column::KIND)
    {
        assembly.set_column(column::KIND, Cell::Text(kind));
    }
    if let Some(own) = text(&assembly, "ce_id")
        && !assembly.has(column::EVENT_ID)
    {
        let id = match text(&assembly, "ce_source") {
            Some(source) => Cow::Owned(id::from_texts(DOMAIN, &[&source, &own])),
            None => own,
        };
        assembly.set_column(column::EVENT_ID, Cell::Text(id));
    }
    if let Some(trace) = text(&assembly, "ce_traceparent")
        && let Some(trace) = trace::trace_id(&trace)
        && !assembly.has(column::RUN_ID)
    {
        assembly.set_column(column::RUN_ID, Cell::Text(Cow::Owned(trace.into_owned())));
    }
    if let Some(time) = text(&assembly, "ce_time")
        && !assembly.has(column::EVENT_TIME)
    {
        let Some(instant) = Timestamp::parse_rfc3339(&time) else {
            return Err(Fault {
                reason: Reason::InvalidTime,
                pointer: format!("{context}time"),
                detail: "not RFC 3339 with an offset, or outside years 1 to 9999".into(),
            });
        };
        assembly.set_column(column::EVENT_TIME, Cell::Time(instant));
    }
    assembly.finish(prefix)
}
