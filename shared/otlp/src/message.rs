//! Requests, from protobuf or JSON (OTLP 1.9, sections "Binary Protobuf Encoding" and "JSON Protobuf
//! Encoding").

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use thiserror::Error;

use crate::{ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest};

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// Why a request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// It is no protobuf message of that type.
    #[error("the body is no OTLP request in protobuf: {0}")]
    Protobuf(String),
    /// It is no JSON of that type.
    #[error("the body is no OTLP request in JSON: {0}")]
    Json(String),
}

/// Reads a request with spans.
///
/// # Errors
///
/// The bytes are no such request.
pub fn traces(body: &[u8], encoding: Encoding) -> Result<ExportTraceServiceRequest, MessageError> {
    read(body, encoding)
}

/// Reads a request with log records.
///
/// # Errors
///
/// The bytes are no such request.
pub fn logs(body: &[u8], encoding: Encoding) -> Result<ExportLogsServiceRequest, MessageError> {
    read(body, encoding)
}

/// Reads a request with metrics.
///
/// # Errors
///
/// The bytes are no such request.
pub fn metrics(
    body: &[u8],
    encoding: Encoding,
) -> Result<ExportMetricsServiceRequest, MessageError> {
    read(body, encoding)
}

fn read<M: Message + Default + DeserializeOwned>(
    body: &[u8],
    encoding: Encoding,
) -> Result<M, MessageError> {
    match encoding {
        Encoding::Protobuf => {
            M::decode(body).map_err(|error| MessageError::Protobuf(error.to_string()))
        }
        Encoding::Json => serde_json::from_slice(body).or_else(|error| {
            let error = |_| MessageError::Json(error.to_string());
            let mut json = serde_json::from_slice(body).map_err(error)?;
            enums_as_numbers(&mut json);
            serde_json::from_value(json).map_err(error)
        }),
    }
}

/// Writes the values of enums as numbers, which OTLP asks for: the JSON of protobuf's own libraries has their
/// names, and receivers take both.
fn enums_as_numbers(json: &mut Json) {
    match json {
        Json::Array(elements) => elements.iter_mut().for_each(enums_as_numbers),
        Json::Object(members) => {
            for (key, value) in members {
                match value.as_str().and_then(|name| number(key, name)) {
                    Some(number) => *value = number.into(),
                    None => enums_as_numbers(value),
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn number(key: &str, name: &str) -> Option<i32> {
    match key {
        "kind" => SpanKind::from_str_name(name).map(|kind| kind as i32),
        "code" => StatusCode::from_str_name(name).map(|code| code as i32),
        "severityNumber" => SeverityNumber::from_str_name(name).map(|number| number as i32),
        "aggregationTemporality" => {
            AggregationTemporality::from_str_name(name).map(|temporality| temporality as i32)
        }
        _ => None,
    }
}
