//! Responses to senders.

use access::{Exhausted, Refusal};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use event::plain::Name;
use serde::Serialize;
use service::clock::Stopwatch;
use service::metric_names as names;

/// Value of `WWW-Authenticate` (RFC 6750, section 3).
const CHALLENGE: &str = "Bearer realm=\"driftseal\"";

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
    /// A body that is no OTLP request.
    InvalidMessage {
        error: otlp::MessageError,
    },
    /// The events of a body of OTLP repeat too much of what they have in common.
    TooMuchInCommon {
        bytes_max: usize,
    },
    /// A body of OTLP in another form than protobuf or JSON.
    UnsupportedMedia,
    /// Who sends it may not.
    Refused(Refusal),
    /// A quota of who sends it is used up.
    Exhausted(Exhausted),
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
            Self::InvalidMessage { .. } => "invalid_message",
            Self::TooMuchInCommon { .. } => "too_much_in_common",
            Self::UnsupportedMedia => "unsupported_media_type",
            Self::Refused(refusal) => refusal.code(),
            Self::Exhausted(_) => "quota_exhausted",
            Self::Backpressure => "backpressure",
            Self::Internal => "internal",
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::BrokenBody
            | Self::BrokenGzip
            | Self::EmptyBody
            | Self::BrokenContext { .. }
            | Self::InvalidQuery { .. }
            | Self::InvalidMessage { .. }
            | Self::InvalidJson { .. } => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. }
            | Self::TooManyEvents { .. }
            | Self::TooMuchInCommon { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding | Self::UnsupportedCloudEvents | Self::UnsupportedMedia => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Refused(refusal) if refusal.is_forbidden() => StatusCode::FORBIDDEN,
            Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::Exhausted(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Backpressure => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn message(&self) -> String {
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
            Self::InvalidMessage { error } => error.to_string(),
            Self::TooMuchInCommon { bytes_max } => format!(
                "the events of the body would have more than {bytes_max} bytes; send fewer at once, with \
                 smaller attributes of the resource"
            ),
            Self::UnsupportedMedia => {
                "OTLP is accepted as application/x-protobuf or application/json".into()
            }
            Self::Refused(refusal) => refusal.to_string(),
            Self::Exhausted(Exhausted { limit, retry_after_secs }) => format!(
                "`{limit}` of the credential is used up; retry after {retry_after_secs} s, with fewer \
                 events per request if the quota is smaller than a request"
            ),
            Self::Backpressure => "too many events await acknowledgement; retry later".into(),
            Self::Internal => "internal error; see the log of the collector".into(),
        }
    }
}

impl Rejection {
    /// When to try again, seconds.
    pub(crate) const fn retry_after_secs(&self, otherwise: u64) -> u64 {
        if let Self::Exhausted(Exhausted { retry_after_secs, .. }) = self {
            *retry_after_secs
        } else {
            otherwise
        }
    }

    /// Asks who did not say who it is for a token.
    pub(crate) fn challenge(&self, response: &mut Response<Body>) {
        if self.status() == StatusCode::UNAUTHORIZED {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
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
    /// From a fixed list: the reasons of quarantine, those of [`crate::publish`] and
    /// [`access::Forbidden`], `reserved_kind`, `remarked` and `not_published`.
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

/// Counts a request that is rejected as a whole.
pub(crate) fn count_rejection(rejection: &Rejection) {
    let reason = rejection.code();
    metrics::counter!(names::COLLECTOR_REQUESTS_REJECTED, "reason" => reason).increment(1);
}

/// Counts an answer, and the time that it took.
pub(crate) fn count_answer(response: &Response<Body>, watch: &Stopwatch) {
    let status = response.status().as_str().to_owned();
    metrics::counter!(names::COLLECTOR_REQUESTS, "status" => status).increment(1);
    metrics::histogram!(names::COLLECTOR_REQUEST_DURATION).record(watch.elapsed_secs());
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
    let wait = rejection.retry_after_secs(retry_after_secs);
    let mut response = json(rejection.status(), &Document { error }, wait);
    rejection.challenge(&mut response);
    response
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
    if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs));
    }
    response
}
