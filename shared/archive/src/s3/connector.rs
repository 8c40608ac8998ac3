//! HTTP for S3 by the blocking client and the TLS library that the binary has anyway, and what S3
//! means by some of its answers.
//!
//! - `409 Conflict` says that another request for the object is under way and that nothing is
//!   decided; the object may not exist. `object_store` would report it as `AlreadyExists`, even to
//!   a read, so that it becomes a 503 here, which is repeated after a while. So does `412
//!   Precondition Failed` to a request that sets no condition.
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
use thiserror::Error;
use ureq::http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use ureq::http::{HeaderValue, Method, Request, StatusCode};
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

use super::credentials::Instance;

/// Memory that is reserved for a body on the word of its length alone.
const RESERVED_MAX: usize = 64 << 20;

/// Longest time for a connection to the metadata of the instance, which is next door if anywhere.
const METADATA_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes HTTP clients.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
    /// The last resort for credentials, if there are no others.
    pub(super) instance: Option<Instance>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let agent = self.agent(allow_http.as_deref() == Some("true"), self.connect_timeout);
        let instance = self.instance.clone().map(|instance| {
            let timeout = METADATA_CONNECT_TIMEOUT.min(self.connect_timeout);
            (instance, self.agent(true, timeout))
        });
        Ok(HttpClient::new(Service { agent, instance }))
    }
}

impl Connector {
    fn agent(&self, allow_http: bool, connect_timeout: Duration) -> Agent {
        let timeout = Some(self.request_timeout);
        Agent::config_builder()
            .https_only(!allow_http)
            .tls_config(TlsConfig::builder().provider(TlsProvider::NativeTls).build())
            .http_status_as_error(false)
            // A redirect of S3 names another region; its signature would not be ours.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("driftseal/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(connect_timeout))
            .timeout_connect(Some(connect_timeout))
            .timeout_send_request(timeout)
            .timeout_send_body(timeout)
            .timeout_recv_response(timeout)
            .timeout_recv_body(timeout)
            .build()
            .new_agent()
    }
}

/// One client.
#[derive(Debug)]
struct Service {
    agent: Agent,
    /// The metadata of the instance, and the client that asks it.
    instance: Option<(Instance, Agent)>,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if completes_an_upload(&parts.method, parts.uri.query().unwrap_or_default()) {
            parts.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let is_conditional = [IF_NONE_MATCH, IF_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE]
            .iter()
            .any(|condition| parts.headers.contains_key(condition));
        let asked = parts.uri.to_string();
        let instance = self.instance.as_ref().filter(|(to, _)| is_at(&asked, &to.endpoint));
        let agent = instance.map_or(&self.agent, |(_, agent)| agent).clone();
        let request = Request::from_parts(parts, body);
        let answer = tokio::task::spawn_blocking(move || exchange(&agent, request)).await;
        let answer = answer.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        if let Some((instance, _)) = instance {
            return answer
                .map_err(|error| NoCredentials::new(instance, &error))
                .and_then(|response| match response.status() {
                    status if status.is_success() => Ok(response),
                    status => Err(NoCredentials::new(instance, &status)),
                })
                .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error));
        }
        let mut response = answer?;
        if decides_nothing(response.status(), is_conditional) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}

/// There are no credentials, not even those of the instance.
#[derive(Debug, Error)]
#[error("{missing}; the metadata of the instance at {endpoint} gives none either: {detail}")]
struct NoCredentials {
    missing: String,
    endpoint: String,
    detail: String,
}

impl NoCredentials {
    fn new(instance: &Instance, detail: &impl ToString) -> Self {
        let Instance { missing, endpoint } = instance.clone();
        Self { missing, endpoint, detail: detail.to_string() }
    }
}

/// Whether a URL is at an endpoint, and not at one whose name or port only begins like it.
fn is_at(url: &str, endpoint: &str) -> bool {
    url.strip_prefix(endpoint).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Whether an answer says neither that a request was done nor that it never will be.
fn decides_nothing(status: StatusCode, is_conditional: bool) -> bool {
    status == StatusCode::CONFLICT || status == StatusCode::PRECONDITION_FAILED && !is_conditional
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
    fn an_endpoint_that_begins_like_that_of_the_metadata_is_another_one() {
        let metadata = "http://127.0.0.1:80";
        for url in ["http://127.0.0.1:80", "http://127.0.0.1:80/latest", "http://127.0.0.1:80?x"] {
            assert!(is_at(url, metadata), "{url}");
        }
        for url in ["http://127.0.0.1:8080/bucket", "http://127.0.0.1:80.example/", "http://x/"] {
            assert!(!is_at(url, metadata), "{url}");
        }
    }

    #[test]
    fn a_conflict_never_decides_and_a_precondition_only_where_there_is_one() {
        for (status, is_conditional, expected) in [
            (409, true, true),
            (409, false, true),
            (412, true, false),
            (412, false, true),
            (404, false, false),
            (200, true, false),
        ] {
            let code = StatusCode::from_u16(status).unwrap();
            assert_eq!(decides_nothing(code, is_conditional), expected, "{status}");
        }
    }

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
