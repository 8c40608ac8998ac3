//! HTTP for S3 by the blocking client and the TLS library that the binary has anyway, and what S3
//! means by some of its answers.
//!
//! - `409 Conflict` to a conditional write says that another request for the object is under way
//!   and that nothing is decided; the object may not exist. `object_store` would report it as
//!   `AlreadyExists`, so that it becomes a 503 here, which is repeated after a while.
//! - Every multipart upload creates an object that must not exist. `object_store` completes
//!   uploads without a condition, so that it is added here.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind,
    HttpRequest, HttpResponse, HttpService,
};
use ureq::http::header::IF_NONE_MATCH;
use ureq::http::{HeaderValue, Method, Request, StatusCode};
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

/// Memory that is reserved for a body on the word of its length alone.
const RESERVED_MAX: usize = 64 << 20;

/// Makes HTTP clients.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let timeout = Some(self.request_timeout);
        let agent = Agent::config_builder()
            .https_only(allow_http.as_deref() != Some("true"))
            .tls_config(TlsConfig::builder().provider(TlsProvider::NativeTls).build())
            .http_status_as_error(false)
            // A redirect of S3 names another region; its signature would not be ours.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("driftseal/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_send_request(timeout)
            .timeout_send_body(timeout)
            .timeout_recv_response(timeout)
            .timeout_recv_body(timeout)
            .build()
            .new_agent();
        Ok(HttpClient::new(Service(agent)))
    }
}

/// One client.
#[derive(Debug)]
struct Service(Agent);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if completes_an_upload(&parts.method, parts.uri.query().unwrap_or_default()) {
            parts.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let is_conditional =
            parts.method != Method::GET && parts.headers.contains_key(IF_NONE_MATCH);
        let agent = self.0.clone();
        let request = Request::from_parts(parts, body);
        let answer = tokio::task::spawn_blocking(move || exchange(&agent, request)).await;
        let mut response =
            answer.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))??;
        if is_conditional && response.status() == StatusCode::CONFLICT {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}

fn completes_an_upload(method: &Method, query: &str) -> bool {
    method == Method::POST && query.split('&').any(|pair| pair.starts_with("uploadId="))
}

/// Sends a request and reads the whole answer.
fn exchange(agent: &Agent, request: Request<bytes::Bytes>) -> Result<HttpResponse, HttpError> {
    let (parts, body) = request.into_parts();
    let answer = if body.is_empty() && !has_body(&parts.method) {
        agent.run(Request::from_parts(parts, ()))
    } else {
        agent.run(Request::from_parts(parts, &body[..]))
    };
    let (parts, mut body) = answer.map_err(error)?.into_parts();
    // A length that is not known reserves nothing.
    let length = body.content_length().and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(length.unwrap_or(0).min(RESERVED_MAX));
    body.with_config()
        .limit(u64::MAX)
        .reader()
        .read_to_end(&mut bytes)
        .map_err(|cause| error(cause.into()))?;
    Ok(HttpResponse::from_parts(parts, bytes.into()))
}

fn has_body(method: &Method) -> bool {
    [Method::PUT, Method::POST].contains(method)
}

/// What `object_store` needs to know about a failure: may it be repeated?
fn error(error: ureq::Error) -> HttpError {
    let error = unwrapped(error);
    let kind = kind(&error);
    HttpError::new(kind, error)
}

/// The client's own error; one that happens while a body is read comes wrapped.
fn unwrapped(error: ureq::Error) -> ureq::Error {
    let ureq::Error::Io(io) = error else { return error };
    match io.downcast::<ureq::Error>() {
        Ok(inner) => inner,
        Err(io) => ureq::Error::Io(io),
    }
}

fn kind(error: &ureq::Error) -> HttpErrorKind {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout as TimedOut};
    let io = if let Io(io) = error { Some(io.kind()) } else { None };
    let is = |kinds: &[ErrorKind]| io.is_some_and(|io| kinds.contains(&io));
    if matches!(
        error,
        HostNotFound | ConnectionFailed | TimedOut(Timeout::Resolve | Timeout::Connect)
    ) || is(&[ErrorKind::ConnectionRefused, ErrorKind::AddrNotAvailable])
    {
        HttpErrorKind::Connect
    } else if matches!(error, TimedOut(_)) || is(&[ErrorKind::TimedOut, ErrorKind::WouldBlock]) {
        HttpErrorKind::Timeout
    } else if io.is_some() || matches!(error, Protocol(_)) {
        // The peer broke off, or speaks something else than HTTP.
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_completion_of_an_upload_gets_a_condition() {
        for (method, query, expected) in [
            (Method::POST, "uploadId=x%2Fy", true),
            (Method::POST, "uploads=", false),
            (Method::POST, "delete", false),
            (Method::PUT, "partNumber=1&uploadId=x", false),
            (Method::DELETE, "uploadId=x", false),
        ] {
            assert_eq!(completes_an_upload(&method, query), expected, "{method} {query}");
        }
    }
}
