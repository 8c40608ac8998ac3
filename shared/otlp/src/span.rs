//! Spans as events.

use std::borrow::Cow;
use std::ops::ControlFlow;

use event::{Cell, Event, Timestamp, column, id};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use prost::Message as _;
use serde_json::{Value as Json, json};

use crate::attributes::Attributes;
use crate::mapper::{Ids, Mapper, Missed, Slots, Subject};
use crate::resource::Common;
use crate::value;

/// What identifies spans (see [`id::from_texts`]).
const DOMAIN: &str = "driftseal/event-id/otlp-span/v1";
/// Nanoseconds of a microsecond.
const MICROSECOND: u64 = 1_000;

impl Mapper {
    /// Calls `each` with the event of every span, in the order of the request, until it breaks off,
    /// and `missed` for attributes that no field took.
    pub fn spans<'r>(
        &self,
        request: &'r ExportTraceServiceRequest,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
        missed: &mut dyn FnMut(Missed<'r>),
    ) {
        let mut slots = Slots::default();
        for of_resource in &request.resource_spans {
            let common = Common::of(
                of_resource.resource.as_ref(),
                &of_resource.schema_url,
                &self.rules().of_resources,
            );
            let scopes = of_resource.scope_spans.iter().filter(|scope| !scope.spans.is_empty());
            for of_scope in scopes {
                let scope = of_scope.scope.as_ref();
                let kept = common.with_scope(scope, &of_scope.schema_url);
                let name = scope.map_or("", |scope| &scope.name);
                for span in &of_scope.spans {
                    let event = self.span(span, name, (&common, &kept), &mut slots, missed);
                    if each(event).is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn span<'r: 's, 's>(
        &'s self,
        span: &'r Span,
        scope: &'s str,
        (common, kept): (&Common<'s>, &'s [(String, String)]),
        slots: &mut Slots,
        missed: &mut dyn FnMut(Missed<'r>),
    ) -> Event<'s> {
        let ids = Ids::of(&span.trace_id, &span.span_id, &span.parent_span_id);
        let is_root = ids.parent.is_empty();
        let subject = Subject {
            attributes: &span.attributes,
            scope,
            event: "",
            is_root,
            span_kind: kind_of(span),
            name: &span.name,
        };
        let Some(mut made) = self.make(&self.rules().spans, &subject, common, slots) else {
            unreachable!("the last document takes every span")
        };
        let own = made.rule.own;
        let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
        if let Some(time) = instant(if end == 0 { start } else { end }) {
            made.event.set(column::EVENT_TIME, Cell::Time(time));
        }
        if let (Some(column), Some(ms)) = (own.duration_ms, duration_ms(start, end))
            && made.event.get(column).is_none()
        {
            made.event.set(column, Cell::Float(ms));
        }
        let error = exception(span);
        let failed = span.status.as_ref().is_some_and(|status| status.code == ERROR);
        made.fill(own.error_type, error.map(Cow::Borrowed));
        let has_error = own.error_type.is_some_and(|column| made.event.get(column).is_some());
        if failed && let Some(column) = own.status {
            made.event.set(column, Cell::Text(Cow::Borrowed("error")));
        }
        let status = if has_error && !is_ok(span) { "error" } else { "ok" };
        made.fill(own.status, Some(Cow::Borrowed(status)));
        made.fill(own.name, Some(Cow::Borrowed(&span.name)));
        made.fill(own.span_type, Some(Cow::Borrowed(kind_of(span))));
        made.trace(&ids);

        let mapping = made.rule.mapping;
        let mut attributes = Attributes::with_capacity(span.attributes.len() + kept.len() + 6);
        for attribute in slots.rest(&span.attributes) {
            missed(Missed { mapping, name: &attribute.key });
            let text = value::of(attribute).map_or(Cow::Borrowed(""), value::text);
            attributes.add(&*attribute.key, text);
        }
        describe(span, &mut attributes);
        let id = if ids.span.is_empty() {
            let texts = [&*made.agent, &ids.trace, ""];
            id::from_texts_and_bytes(DOMAIN, &texts, &span.encode_to_vec())
        } else {
            id::from_texts(DOMAIN, &[&made.agent, &ids.trace, &ids.span])
        };
        made.finish(id, attributes, kept)
    }
}

const ERROR: i32 = StatusCode::Error as i32;
const OK: i32 = StatusCode::Ok as i32;

/// Whether somebody said that all is well, whatever happened on the way.
fn is_ok(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == OK)
}

/// What a span says beside its attributes.
fn describe<'s>(span: &'s Span, attributes: &mut Attributes<'s>) {
    attributes.add_some("otel.span.name", &span.name);
    attributes.add("otel.span.kind", kind_of(span));
    if let Some(time) = instant(span.start_time_unix_nano).and_then(Timestamp::to_rfc3339) {
        attributes.add("otel.span.start", time);
    }
    attributes.add_some("otel.trace_state", &span.trace_state);
    if let Some(status) = &span.status {
        attributes.add_some("otel.status.message", &status.message);
    }
    if !span.events.is_empty() {
        attributes.add("otel.events", span.events.iter().map(event).collect::<Json>().to_string());
    }
    if !span.links.is_empty() {
        attributes.add("otel.links", span.links.iter().map(link).collect::<Json>().to_string());
    }
    for (name, count) in [
        ("otel.dropped_attributes", span.dropped_attributes_count),
        ("otel.dropped_events", span.dropped_events_count),
        ("otel.dropped_links", span.dropped_links_count),
    ] {
        if count > 0 {
            attributes.add(name, count.to_string());
        }
    }
}

fn event(event: &span::Event) -> Json {
    json!({
        "name": event.name,
        "time_unix_nano": event.time_unix_nano,
        "attributes": value::pairs(&event.attributes),
    })
}

fn link(link: &span::Link) -> Json {
    let ids = Ids::of(&link.trace_id, &link.span_id, &[]);
    json!({
        "trace_id": ids.trace,
        "span_id": ids.span,
        "attributes": value::pairs(&link.attributes),
    })
}

/// The class of the last exception that was recorded.
fn exception(span: &Span) -> Option<&str> {
    let recorded = span.events.iter().rev().find(|event| event.name == "exception")?;
    let attribute = recorded.attributes.iter().find(|one| one.key == "exception.type")?;
    value::of(attribute).and_then(value::string)
}

fn kind_of(span: &Span) -> &'static str {
    match SpanKind::try_from(span.kind) {
        Ok(SpanKind::Internal) => "internal",
        Ok(SpanKind::Server) => "server",
        Ok(SpanKind::Client) => "client",
        Ok(SpanKind::Producer) => "producer",
        Ok(SpanKind::Consumer) => "consumer",
        Ok(SpanKind::Unspecified) | Err(_) => "unspecified",
    }
}

/// An instant, in nanoseconds since 1970; 0 is none.
pub(crate) fn instant(nanos: u64) -> Option<Timestamp> {
    let micros = i64::try_from(nanos / MICROSECOND).ok()?;
    let time = Timestamp::from_micros(micros);
    (nanos > 0 && time.is_in_range()).then_some(time)
}

fn duration_ms(start: u64, end: u64) -> Option<f64> {
    if start == 0 {
        return None;
    }
    let nanos = end.checked_sub(start)?;
    #[expect(clippy::cast_precision_loss, reason = "a duration; exact up to 104 days")]
    let ms = nanos as f64 / 1e6;
    Some(ms)
}
