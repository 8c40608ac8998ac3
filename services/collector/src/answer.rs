//! The answers to senders.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Why a request is refused as a whole; nothing of it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    BrokenBody,
    BrokenGzip,
    EmptyBody,
    InvalidJson {
        line: usize,
        column: usize,
    },
    BodyTimeout,
    BodyTooLarge {
        bytes_max: usize,
    },
    TooManyEvents {
        events_max: usize,
    },
    UnsupportedEncoding,
    /// Limits of what is in flight, or the log's queue.
    Backpressure,
    /// The service failed; the log says more.
    Internal,
}

impl Refusal {
    /// Value of `error.code` and of the metric's label; never renamed.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::BrokenBody => "broken_body",
            Self::BrokenGzip => "broken_gzip",
            Self::EmptyBody => "empty_body",
            Self::InvalidJson { .. } => "invalid_json",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Backpressure => "backpressure",
            Self::Internal => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BrokenBody | Self::BrokenGzip | Self::EmptyBody | Self::InvalidJson { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } | Self::TooManyEvents { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Backpressure => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::BrokenBody => "the body ended before its announced end".into(),
            Self::BrokenGzip => "the body is not well-formed gzip".into(),
            Self::EmptyBody => "the body holds no event".into(),
            Self::InvalidJson { line, column } => {
                format!("the array is not well-formed JSON at line {line}, column {column}")
            }
            Self::BodyTimeout => "the body did not arrive in time".into(),
            Self::BodyTooLarge { bytes_max } => {
                format!("the body has more than {bytes_max} bytes; send it in parts")
            }
            Self::TooManyEvents { events_max } => {
                format!("the body has more than {events_max} events; send it in parts")
            }
            Self::UnsupportedEncoding => "content encodings are gzip and identity".into(),
            Self::Backpressure => "too many events await acknowledgement; retry later".into(),
            Self::Internal => "internal error; see the log of the service".into(),
        }
    }
}

/// Outcome of a request of which at least one event was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Events that the log acknowledged.
    pub(crate) accepted: usize,
    /// Events that were not.
    pub(crate) rejected: usize,
    /// One for each event that was rejected, in the order of the body.
    pub(crate) errors: Vec<ItemError>,
    /// For each event of the body its id, or null if it was rejected.
    pub(crate) event_ids: Vec<Option<String>>,
    /// Whether an event may be accepted if it is sent again.
    #[serde(skip)]
    pub(crate) retry: bool,
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ItemError {
    /// Number of the event in the body, from 0.
    pub(crate) index: usize,
    /// JSON pointer into the event, or `byte N`; empty for the event as a whole.
    pub(crate) pointer: String,
    /// From a fixed list: the reasons of quarantine, those of [`crate::publish`], or
    /// `reserved_kind`.
    pub(crate) reason: &'static str,
    /// For a person.
    pub(crate) detail: String,
}

/// The answer to a refused request.
pub(crate) fn refused(refusal: &Refusal, retry_after_secs: u64) -> Response<Body> {
    #[derive(Serialize)]
    struct Error {
        code: &'static str,
        message: String,
    }
    #[derive(Serialize)]
    struct Document {
        error: Error,
    }
    let error = Error { code: refusal.code(), message: refusal.message() };
    json(refusal.status(), &Document { error }, retry_after_secs)
}

/// The answer to a request whose events were looked at: 200 if at least one was accepted and none
/// is worth sending again, 400 if none was accepted, 503 if some should be sent again.
pub(crate) fn reported(report: &Report, retry_after_secs: u64) -> Response<Body> {
    let status = if report.retry {
        StatusCode::SERVICE_UNAVAILABLE
    } else if report.accepted == 0 {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    json(status, report, retry_after_secs)
}

fn json<T: Serialize>(status: StatusCode, document: &T, retry_after_secs: u64) -> Response<Body> {
    let Ok(text) = serde_json::to_vec(document) else { unreachable!("plain data has a JSON form") };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs));
    }
    response
}
