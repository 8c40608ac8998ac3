//! OTLP: how the spans and log records of OpenTelemetry become events.
//!
//! What the attributes of a convention mean is data: a TOML document for each convention in
//! `schemas/mappings/otlp/`, which `schemas/mappings/README.md` describes. A new convention is one
//! file there and one line in [`DOCUMENTS`].
//!
//! # Promise
//!
//! - A span becomes one event by itself: which one depends on nothing else of its trace.
//! - No attribute with a value is dropped: what no field takes is in `attributes`, under its own name;
//!   the attributes of the resource with the prefix `resource.`, the rest of a span with the prefix
//!   `otel.`. Not kept are flags, counts of what was dropped from resources, scopes and log records, and
//!   the time of observation of a record that has a time.
//! - The same span, sent again, has the same `event_id`.
//!
//! Pure: messages in, events out; no I/O, no clock.
//!
//! Source: OTLP 1.9, <https://opentelemetry.io/docs/specs/otlp/>.

mod attributes;
mod compile;
mod document;
mod log;
mod mapper;
mod message;
mod names;
mod resource;
mod source;
mod span;
mod value;

pub use document::{DOCUMENTS, DocumentError};
pub use mapper::{Mapper, Missed, check};
pub use message::{Encoding, MessageError, logs, metrics, traces};
pub use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
pub use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
pub use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};

#[cfg(test)]
mod tests;
