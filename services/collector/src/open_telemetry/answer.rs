//! Answers to OTLP requests over HTTP (OTLP 1.9, section "OTLP/HTTP Response").

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use event::plain::Plain;
use otlp::Encoding;
use prost::Message;
use serde::Serialize;
use tonic_types::Status;

use crate::answer::{ItemError, Rejection, Report};

/// Most errors that an answer names; the others are counted.
const ERRORS_SHOWN: usize = 3;

/// What became of the items of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All that could be taken is in the log. The text says what was rejected or is suspicious.
    Taken { rejected: i64, message: String },
    /// Some may not be in the log: the request must be sent again.
    Again { message: String },
}

impl Outcome {
    pub(crate) fn of(report: &Report) -> Self {
        let message = said(report);
        if report.retry {
            return Self::Again { message };
        }
        Self::Taken { rejected: i64::try_from(report.rejected).unwrap_or(i64::MAX), message }
    }
}

/// The first errors, or else how many remarks there are.
fn said(report: &Report) -> String {
    let shown = |error: &ItemError| {
        let ItemError { index, pointer, reason, detail } = error;
        format!("{index}{pointer}: {reason}: {detail}")
    };
    let mut parts: Vec<String> = report.errors.iter().take(ERRORS_SHOWN).map(shown).collect();
    if report.errors.len() > ERRORS_SHOWN {
        parts.push(format!("and {} more", report.errors.len() - ERRORS_SHOWN));
    }
    if report.remarked > 0 {
        let first = report.remarks.first();
        let first =
            first.map(|remark| format!(": {}: {}; {}", remark.code, remark.detail, remark.advice));
        parts.push(format!("{} remarks{}", report.remarked, first.unwrap_or_default()));
    }
    parts.join("; ")
}

/// The answer in the encoding of the request.
pub(crate) fn answered<M: Message + Serialize>(message: &M, encoding: Encoding) -> Response<Body> {
    let bytes = match encoding {
        Encoding::Protobuf => message.encode_to_vec(),
        Encoding::Json => {
            let Ok(text) = serde_json::to_vec(message) else {
                unreachable!("plain data has a JSON form")
            };
            text
        }
    };
    response(StatusCode::OK, bytes, encoding)
}

/// The answer to a request of which something must be sent again.
pub(crate) fn again(message: String, encoding: Encoding, retry_after_secs: u64) -> Response<Body> {
    let code = tonic::Code::Unavailable;
    failed(StatusCode::SERVICE_UNAVAILABLE, code, message, encoding, retry_after_secs)
}

/// The answer to a request that is rejected as a whole.
pub(crate) fn rejected(
    rejection: &Rejection,
    encoding: Encoding,
    retry_after_secs: u64,
) -> Response<Body> {
    // Exporters try again after 503, and drop what is answered 408.
    let status = match rejection.status() {
        StatusCode::REQUEST_TIMEOUT => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    };
    let code = code_of(rejection);
    let mut response = failed(
        status,
        code,
        rejection.message(),
        encoding,
        rejection.retry_after_secs(retry_after_secs),
    );
    rejection.challenge(&mut response);
    response
}

/// The code of gRPC that says the same.
pub(crate) const fn code_of(rejection: &Rejection) -> tonic::Code {
    match rejection {
        Rejection::BrokenBody
        | Rejection::BrokenGzip
        | Rejection::EmptyBody
        | Rejection::InvalidJson { .. }
        | Rejection::InvalidMessage { .. }
        | Rejection::TooManyEvents { .. }
        | Rejection::BodyTooLarge { .. }
        | Rejection::TooMuchInCommon { .. }
        | Rejection::UnsupportedCloudEvents
        | Rejection::BrokenContext { .. }
        | Rejection::InvalidQuery { .. } => tonic::Code::InvalidArgument,
        Rejection::UnsupportedEncoding | Rejection::UnsupportedMedia => tonic::Code::Unimplemented,
        Rejection::BodyTimeout => tonic::Code::DeadlineExceeded,
        Rejection::Refused(refusal) if refusal.is_forbidden() => tonic::Code::PermissionDenied,
        Rejection::Refused(_) => tonic::Code::Unauthenticated,
        Rejection::Exhausted(_) => tonic::Code::ResourceExhausted,
        Rejection::Backpressure => tonic::Code::Unavailable,
        Rejection::Internal => tonic::Code::Internal,
    }
}

fn failed(
    status: StatusCode,
    code: tonic::Code,
    message: String,
    encoding: Encoding,
    retry_after_secs: u64,
) -> Response<Body> {
    let code = code as i32;
    let bytes = match encoding {
        Encoding::Protobuf => {
            let message = Plain(&message).to_string();
            Status { code, message, details: Vec::new() }.encode_to_vec()
        }
        Encoding::Json => {
            serde_json::json!({ "code": code, "message": message }).to_string().into_bytes()
        }
    };
    let mut response = response(status, bytes, encoding);
    if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs));
    }
    response
}

fn response(status: StatusCode, bytes: Vec<u8>, encoding: Encoding) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let media = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
