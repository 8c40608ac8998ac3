//! Log records as events.

use std::borrow::Cow;
use std::ops::ControlFlow;

use event::{Cell, Event, column, id};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use prost::Message as _;

use crate::attributes::Attributes;
use crate::mapper::{Ids, Mapper, Missed, Slots, Subject};
use crate::resource::Common;
use crate::span::instant;
use crate::value;

/// What identifies log records: they have no identifier, so their bytes do, with what is said of their resource and
/// scope. Records of which all that is equal have one identifier.
const DOMAIN: &str = "driftseal/event-id/otlp-log/v1";
/// Names the event of a record where the record itself does not, as before OTLP 1.6.
const EVENT_NAME: &str = "event.name";

impl Mapper {
    /// Calls `each` with the event of every log record, in the order of the request, until it breaks off,
    /// and `missed` for attributes that no field took.
    pub fn logs<'r>(
        &self,
        request: &'r ExportLogsServiceRequest,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
        missed: &mut dyn FnMut(Missed<'r>),
    ) {
        let mut slots = Slots::default();
        for of_resource in &request.resource_logs {
            let common = Common::of(
                of_resource.resource.as_ref(),
                &of_resource.schema_url,
                &self.rules().of_resources,
            );
            let scopes = of_resource.scope_logs.iter();
            for of_scope in scopes.filter(|scope| !scope.log_records.is_empty()) {
                let scope = of_scope.scope.as_ref();
                let kept = common.with_scope(scope, &of_scope.schema_url);
                let name = scope.map_or("", |scope| &scope.name);
                for record in &of_scope.log_records {
                    let event = self.log(record, name, (&common, &kept), &mut slots, missed);
                    if each(event).is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn log<'r: 's, 's>(
        &'s self,
        record: &'r LogRecord,
        scope: &'s str,
        (common, kept): (&Common<'s>, &'s [(String, String)]),
        slots: &mut Slots,
        missed: &mut dyn FnMut(Missed<'r>),
    ) -> Event<'s> {
        let event = event_name(record);
        let subject = Subject {
            attributes: &record.attributes,
            scope,
            event,
            is_root: false,
            span_kind: "",
            name: "",
        };
        let Some(mut made) = self.make(&self.rules().logs, &subject, common, slots) else {
            unreachable!("the last document takes every log record")
        };
        let own = made.rule.own;
        let times = [record.time_unix_nano, record.observed_time_unix_nano];
        if let Some(time) = times.into_iter().find_map(instant) {
            made.event.set(column::EVENT_TIME, Cell::Time(time));
        }
        made.fill(own.name, Some(event).filter(|name| !name.is_empty()).map(Cow::Borrowed));
        made.fill(own.severity, severity(record));
        let body = record.body.as_ref().and_then(|body| body.value.as_ref());
        made.fill(own.body, body.map(value::text));
        let ids = Ids::of(&record.trace_id, &record.span_id, &[]);
        made.trace(&ids);

        let mapping = made.rule.mapping;
        let mut attributes = Attributes::with_capacity(record.attributes.len() + kept.len() + 4);
        for attribute in slots.rest(&record.attributes) {
            missed(Missed { mapping, name: &attribute.key });
            let text = value::of(attribute).map_or(Cow::Borrowed(""), value::text);
            attributes.add(&*attribute.key, text);
        }
        if own.body.is_none() {
            attributes.add_some("otel.log.event", event);
            if let Some(body) = body {
                attributes.add("otel.log.body", value::text(body));
            }
            if let Some(severity) = severity(record) {
                attributes.add("otel.log.severity", severity);
            }
        }
        let common = kept.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
        let texts: Vec<&str> = std::iter::once(&*made.agent).chain(common).collect();
        let id = id::from_texts_and_bytes(DOMAIN, &texts, &record.encode_to_vec());
        made.finish(id, attributes, kept)
    }
}

fn event_name(record: &LogRecord) -> &str {
    if !record.event_name.is_empty() {
        return &record.event_name;
    }
    let named = record.attributes.iter().find(|attribute| attribute.key == EVENT_NAME);
    named.and_then(value::of).and_then(value::string).unwrap_or_default()
}

/// The severity as it was written, else by its number.
fn severity(record: &LogRecord) -> Option<Cow<'_, str>> {
    if !record.severity_text.is_empty() {
        return Some(Cow::Borrowed(&record.severity_text));
    }
    match SeverityNumber::try_from(record.severity_number) {
        Ok(SeverityNumber::Unspecified) => None,
        Ok(number) => {
            let name = number.as_str_name();
            Some(Cow::Borrowed(name.strip_prefix("SEVERITY_NUMBER_").unwrap_or(name)))
        }
        Err(_) => Some(Cow::Owned(record.severity_number.to_string())),
    }
}
