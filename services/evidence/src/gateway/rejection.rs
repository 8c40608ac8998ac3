//! Why a request is refused, as its answer says.

use ::access::{Exhausted, Forbidden, Refusal};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use ports::LogError;
use serde_json::json;
use service::body::BodyError;

use super::problem::Problem;

/// Value of `WWW-Authenticate`.
const REALM: &str = "Bearer realm=\"driftseal\"";

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Rejection {
    /// Who sends it may not.
    Refused(Refusal),
    /// A quota of who sends it is used up.
    Exhausted(Exhausted),
    /// It is outside of the scope of who sends it.
    Forbidden(Forbidden),
    /// It is for who may act for all agents.
    NotForAll,
    /// There is no such route.
    NoSuchRoute,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body broke off.
    BrokenBody,
    /// The body is too large.
    BodyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body is not a JSON object.
    InvalidJson(String),
    /// Fields are wrong; all of them.
    Fields(Vec<Problem>),
    /// The identifier is that of another act.
    OtherContent(String),
    /// The act was recorded, and undone or replaced since.
    Superseded(String),
    /// Another request with the identifier is not answered yet.
    InProgress,
    /// What is to be changed is not there.
    NotInForce(String),
    /// The log failed.
    Log(LogError),
    /// The log held back records that it should have.
    Incomplete(String),
    /// A bug; the log of the process has the details.
    Internal,
}

impl Rejection {
    /// Why a body of at most so many bytes was not read.
    pub(super) fn of_body(error: BodyError, bytes_max: usize) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge { bytes_max },
            BodyError::Timeout => Self::BodyTimeout,
            BodyError::Broken => Self::BrokenBody,
            BodyError::NoRoom => unreachable!("bodies of acts share no budget"),
        }
    }

    /// Value of `error.code` and of the metric's label; part of the API.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Exhausted(_) => "quota_exhausted",
            Self::Forbidden(forbidden) => forbidden.code(),
            Self::NotForAll => "forbidden",
            Self::NoSuchRoute => "no_such_route",
            Self::BodyTimeout => "body_timeout",
            Self::BrokenBody => "broken_body",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::InvalidJson(_) => "invalid_json",
            Self::Fields(_) => "invalid_field",
            Self::NotInForce(_) => "not_in_force",
            Self::OtherContent(_) => "other_content",
            Self::Superseded(_) => "superseded",
            Self::InProgress => "in_progress",
            Self::Log(_) => "log_failed",
            Self::Incomplete(_) => "incomplete",
            Self::Internal => "internal",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) if !refusal.is_forbidden() => StatusCode::UNAUTHORIZED,
            Self::Refused(_) | Self::Forbidden(_) | Self::NotForAll => StatusCode::FORBIDDEN,
            Self::Exhausted(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokenBody | Self::InvalidJson(_) | Self::Fields(_) => StatusCode::BAD_REQUEST,
            Self::NotInForce(_) | Self::OtherContent(_) | Self::Superseded(_) => {
                StatusCode::CONFLICT
            }
            Self::Log(_) | Self::Incomplete(_) | Self::InProgress => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Exhausted(Exhausted { limit, .. }) => {
                format!("`{limit}` of the credential is used up")
            }
            Self::Forbidden(forbidden) => forbidden.to_string(),
            Self::NotForAll => {
                "the credential is not for all agents and families, which this needs".to_owned()
            }
            Self::NoSuchRoute => "there is no such route or method; \
                 `POST /v1/acts` takes acts"
                .to_owned(),
            Self::BodyTimeout => "the body did not arrive in time".to_owned(),
            Self::BrokenBody => "the connection ended before the body was complete".to_owned(),
            Self::BodyTooLarge { bytes_max } => {
                format!("the body has more than {bytes_max} bytes")
            }
            Self::InvalidJson(reason) => format!("the body is not a JSON object: {reason}"),
            Self::Fields(problems) => {
                problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
            }
            Self::NotInForce(what) | Self::OtherContent(what) | Self::Superseded(what) => {
                what.clone()
            }
            Self::InProgress => {
                "another request with this `event_id` is not answered yet; repeat it".to_owned()
            }
            Self::Log(error) => format!(
                "the log failed: {error}; the act may or may not be recorded, repeat it with the \
                 same `event_id`"
            ),
            Self::Incomplete(what) => what.clone(),
            Self::Internal => "internal error; see the log of the process".to_owned(),
        }
    }

    /// The answer.
    pub(super) fn response(&self) -> Response<Body> {
        let mut error = json!({"code": self.code(), "message": self.message()});
        if let (Self::Fields(problems), Some(object)) = (self, error.as_object_mut()) {
            let fields: Vec<_> = problems
                .iter()
                .map(|problem| json!({"field": problem.field, "reason": problem.reason}))
                .collect();
            object.insert("fields".to_owned(), fields.into());
        }
        let mut response = Response::new(Body::from(json!({"error": error}).to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM));
        }
        if let Self::Exhausted(Exhausted { retry_after_secs, .. }) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_secs));
        } else if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<LogError> for Rejection {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}
