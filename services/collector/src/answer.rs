//! Responses to senders.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use event::plain::Name;
use serde::Serialize;

/// Why a request is rejected as a whole; none of its events was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejection {
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
    /// CloudEvents in another format than JSON.
    UnsupportedCloudEvents,
    /// A header of a CloudEvent that is not UTF-8.
    BrokenContext {
        name: String,
    },
    /// A parameter of the query that does not exist, or a value that it does not have.
    InvalidQuery {
        name: String,
    },
    /// A limit of what is in flight was reached.
    Backpressure,
    /// The service failed; its log has the details.
    Internal,
}

impl Rejection {
    /// Value of `error.code` and of the metric's label; part of the API.
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
            Self::UnsupportedCloudEvents => "unsupported_cloudevents",
            Self::BrokenContext { .. } => "broken_context",
            Self::InvalidQuery { .. } => "invalid_query",
            Self::Backpressure => "backpressure",
            Self::Internal => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BrokenBody
            | Self::BrokenGzip
            | Self::EmptyBody
            | Self::BrokenContext { .. }
            | Self::InvalidQuery { .. }
            | Self::InvalidJson { .. } => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } | Self::TooManyEvents { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding | Self::UnsupportedCloudEvents => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Backpressure => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::BrokenBody => "the connection ended before the body was complete".into(),
            Self::BrokenGzip => "the body is not valid gzip".into(),
            Self::EmptyBody => "the body contains no event".into(),
            Self::InvalidJson { line, column } => {
                format!("the body is not valid JSON: line {line}, column {column}")
            }
            Self::BodyTimeout => "the body did not arrive in time".into(),
            Self::BodyTooLarge { bytes_max } => {
                format!("the body is larger than {bytes_max} bytes; send fewer events per request")
            }
            Self::TooManyEvents { events_max } => {
                format!("the body has more than {events_max} events; send fewer per request")
            }
            Self::UnsupportedEncoding => {
                "unsupported content encoding; gzip and identity are supported".into()
            }
            Self::UnsupportedCloudEvents => {
                "CloudEvents are accepted as application/cloudevents+json, \
                 application/cloudevents-batch+json, or in binary mode with JSON data"
                    .into()
            }
            Self::BrokenContext { name } => {
                format!("header ce-{} of the CloudEvent is not percent-encoded UTF-8", Name(name))
            }
            Self::InvalidQuery { name } => format!(
                "the query has `{}`; `strict=true` and `strict=false` are known",
                Name(name)
            ),
            Self::Backpressure => "too many events await acknowledgement; retry later".into(),
            Self::Internal => "internal error; see the log of the collector".into(),
        }
    }
}

/// The result of a request that was not rejected as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Events that the log acknowledged.
    pub(crate) accepted: usize,
    /// Events that were rejected.
    pub(crate) rejected: usize,
    /// One for each rejected event, in the order of the body.
    pub(crate) errors: Vec<ItemError>,
    /// For each event of the body its `event_id`, or null if it was rejected.
    pub(crate) event_ids: Vec<Option<String>>,
    /// Number of remarks: what is suspicious about events, accepted or not.
    pub(crate) remarked: usize,
    /// The first [`crate::prepare::REMARKS_MAX`] of them, in the order of the body.
    pub(crate) remarks: Vec<ItemRemark>,
    /// Whether the body was refused as a whole because the sender asked for that.
    #[serde(skip)]
    pub(crate) refused: bool,
    /// Whether a retry may succeed for some event.
    #[serde(skip)]
    pub(crate) retry: bool,
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ItemError {
    /// Index of the event in the body, from 0.
    pub(crate) index: usize,
    /// JSON pointer into the event, or `byte N`; empty for the event as a whole.
    pub(crate) pointer: String,
    /// From a fixed list: the reasons of quarantine, those of [`crate::publish`], `reserved_kind`,
    /// `remarked` and `not_published`.
    pub(crate) reason: &'static str,
    /// Explanation, for people.
    pub(crate) detail: String,
}

/// What is suspicious about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ItemRemark {
    /// Index of the event in the body, from 0.
    pub(crate) index: usize,
    /// From a fixed list, see [`event::remark::Code`].
    pub(crate) code: &'static str,
    /// The field; empty for the event as a whole.
    pub(crate) field: String,
    /// What is suspicious, for people.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) advice: String,
}

/// The response to a rejected request.
pub(crate) fn rejected(rejection: &Rejection, retry_after_secs: u64) -> Response<Body> {
    #[derive(Serialize)]
    struct Error {
        code: &'static str,
        message: String,
    }
    #[derive(Serialize)]
    struct Document {
        error: Error,
    }
    let error = Error { code: rejection.code(), message: rejection.message() };
    json(rejection.status(), &Document { error }, retry_after_secs)
}

/// The response with the result of each event: 503 if some should be sent again, 422 if none was
/// published because the sender asked for all or none, 200 if all were accepted, 207 if only some
/// were, else 400.
pub(crate) fn reported(report: &Report, retry_after_secs: u64) -> Response<Body> {
    let status = if report.retry {
        StatusCode::SERVICE_UNAVAILABLE
    } else if report.refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else if report.accepted == 0 {
        StatusCode::BAD_REQUEST
    } else if report.rejected > 0 {
        StatusCode::MULTI_STATUS
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
