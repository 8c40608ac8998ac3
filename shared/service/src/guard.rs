//! Which HTTP requests are heard: those of programs that mean this server, and of no web page.
//!
//! A browser sends requests to any address, also of the loopback interface, for any page that is open
//! in it. Three checks tell them apart, because a page cannot choose what they look at:
//!
//! - `Host` must be an IP address, `localhost` or a configured name. A page whose own name was made
//!   to resolve to this server (DNS rebinding) sends its own name.
//! - `Origin`, which browsers add and other programs do not, must be the server's own.
//! - A body must be declared as JSON. A browser asks with a preflight request before it sends a body of
//!   such a type for another origin, and the answer to that is a refusal.
//!
//! Sources: the Fetch standard, "CORS-safelisted request-header" and "Origin header"; RFC 9110,
//! sections 7.2 and 15.5.20; RFC 9112, section 3.2.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use event::plain::Name;

use crate::metric_names as names;

/// Media types of several JSON values, one per line.
const LINES: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl"];

/// Which requests are heard.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    hosts: Arc<[String]>,
}

/// Why a request is not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is not one `Host`, or it names another server.
    Host(String),
    /// A web page of another origin sent it.
    Origin(String),
    /// Its body is not declared as JSON.
    ContentType(String),
}

impl Refusal {
    /// Value of `error.code` and of the metric's label; part of the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Host(_) => "unknown_host",
            Self::Origin(_) => "foreign_origin",
            Self::ContentType(_) => "content_type",
        }
    }

    /// Status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin(_) => StatusCode::FORBIDDEN,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => write!(
                f,
                "`Host` is {host}, which is not a name of this server; add it to `hosts` in the \
                 server's configuration if it is"
            ),
            Self::Origin(origin) => {
                write!(
                    f,
                    "`Origin` is {origin}: requests of web pages of other origins are refused"
                )
            }
            Self::ContentType(found) => write!(
                f,
                "`Content-Type` is {found}; set it to `application/json`, or to \
                 `application/x-ndjson` for one JSON value per line"
            ),
        }
    }
}

impl Guard {
    /// A guard that also hears requests to these host names, besides IP addresses and `localhost`.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self { hosts: hosts.into_iter().collect() }
    }

    /// Applies the guard to all routes of a router.
    pub fn around(self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self, guarded))
    }

    /// Checks the head of a request.
    ///
    /// # Errors
    ///
    /// Why the request is not heard.
    pub fn check(
        &self,
        method: &Method,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let authority = match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let text = host.to_str().ok().filter(|text| self.knows(text));
                Some(text.ok_or_else(|| Refusal::Host(shown(Some(host))))?)
            }
            // HTTP/2 has it in the target, which is checked below.
            (None, _) if version == Version::HTTP_2 && uri.authority().is_some() => None,
            // HTTP/1.0 has no such header; a browser does not speak it.
            (None, _) if version == Version::HTTP_10 => None,
            (None, _) => return Err(Refusal::Host("missing".to_owned())),
            (Some(_), Some(_)) => return Err(Refusal::Host("given twice".to_owned())),
        };
        // The absolute form of a target names the server too.
        if let Some(named) = uri.authority()
            && !self.knows(named.as_str())
        {
            return Err(Refusal::Host(quoted(named.as_str())));
        }
        for origin in headers.get_all(ORIGIN) {
            let own = |origin: &HeaderValue| {
                let (scheme, origin) = origin.to_str().ok()?.split_once("://")?;
                let is_web = matches!(scheme, "http" | "https");
                Some(is_web && authority.is_some_and(|host| host.eq_ignore_ascii_case(origin)))
            };
            if own(origin) != Some(true) {
                return Err(Refusal::Origin(shown(Some(origin))));
            }
        }
        if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
            let found = one(headers, &CONTENT_TYPE);
            if !found.and_then(|value| value.to_str().ok()).is_some_and(is_no_form) {
                return Err(Refusal::ContentType(shown(found)));
            }
        }
        Ok(())
    }

    /// Whether an authority, `host` or `host:port`, may be this server.
    fn knows(&self, authority: &str) -> bool {
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, rest)) => match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None => return false,
                },
                None => return false,
            },
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return false;
        }
        host.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// The value of a header that is there once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

fn shown(value: Option<&HeaderValue>) -> String {
    match value.map(|value| String::from_utf8_lossy(value.as_bytes())) {
        Some(text) => quoted(&text),
        None => "missing or given twice".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", Name(text))
}

/// A content type without its parameters, in lower case (RFC 9110, section 8.3.1).
#[must_use]
pub fn media_type(content_type: &str) -> String {
    let (media_type, _parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    media_type.trim().to_ascii_lowercase()
}

/// Whether a browser asks before it sends a body of this type: JSON, or a message of protobuf or gRPC.
fn is_no_form(content_type: &str) -> bool {
    let essence = media_type(content_type);
    is_json(content_type)
        || essence == "application/x-protobuf"
        || essence == "application/grpc"
        || essence.starts_with("application/grpc+")
}

/// Whether a media type is JSON: one value (`application/json`, `…+json`) or one per line.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = media_type(content_type);
    let is_one = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    is_one || is_json_lines(content_type)
}

/// Whether a media type is one JSON value per line.
#[must_use]
pub fn is_json_lines(content_type: &str) -> bool {
    LINES.contains(&media_type(content_type).as_str())
}

async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    let heard = guard.check(request.method(), request.version(), request.uri(), request.headers());
    match heard {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            metrics::counter!(names::HTTP_REQUESTS_REFUSED, "reason" => refusal.code())
                .increment(1);
            error(refusal.status(), refusal.code(), &refusal.to_string())
        }
    }
}

/// An answer with an error, in the one form that all servers use.
#[must_use]
pub fn error(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let document = serde_json::json!({"error": {"code": code, "message": message}});
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, kind, document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        method: Method,
        uri: &str,
        version: Version,
        pairs: &[(HeaderName, &str)],
    ) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let guard = Guard::new(["collector.internal".to_owned()]);
        let checked = guard.check(&method, version, &uri.parse().unwrap(), &headers);
        checked.map_err(|refusal| refusal.code())
    }

    fn get(pairs: &[(HeaderName, &str)]) -> Result<(), &'static str> {
        check(Method::GET, "/x", Version::HTTP_11, pairs)
    }

    #[test]
    fn a_host_is_an_address_localhost_or_a_configured_name() {
        for known in [
            "127.0.0.1",
            "127.0.0.1:8480",
            "10.1.2.3:8480",
            "[::1]:8480",
            "[::1]",
            "localhost:8480",
            "LOCALHOST",
            "collector.internal",
            "Collector.Internal:80",
        ] {
            assert_eq!(get(&[(HOST, known)]), Ok(()), "{known}");
        }
        for strange in [
            "evil.example",
            "evil.example:8480",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost@evil.example",
            "collector.internal.",
            "127.0.0.1:x",
            "[::1",
            "[::1]8480",
            "",
            "localhost:8480:1",
            "127.0.0.1/evil",
            "l\u{f6}calhost",
        ] {
            assert_eq!(get(&[(HOST, strange)]), Err("unknown_host"), "{strange}");
        }
        assert_eq!(get(&[(HOST, "localhost"), (HOST, "localhost")]), Err("unknown_host"));
        assert_eq!(get(&[]), Err("unknown_host"));
        assert_eq!(check(Method::GET, "/x", Version::HTTP_10, &[]), Ok(()));
        let absolute = "http://evil.example/x";
        let host = [(HOST, "localhost")];
        assert_eq!(check(Method::GET, absolute, Version::HTTP_11, &host), Err("unknown_host"));
        assert_eq!(check(Method::GET, absolute, Version::HTTP_10, &[]), Err("unknown_host"));
    }

    #[test]
    fn only_the_own_origin_is_heard() {
        let from = |origin: &str| get(&[(HOST, "localhost:8483"), (ORIGIN, origin)]);
        assert_eq!(from("http://localhost:8483"), Ok(()));
        for strange in [
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:8483",
            "http://evil.example",
            "file://",
            "file://localhost:8483",
            "http://localhost:8483.evil.example",
            "http://localhost:8483/",
        ] {
            assert_eq!(from(strange), Err("foreign_origin"), "{strange}");
        }
        let twice = [
            (HOST, "localhost:8483"),
            (ORIGIN, "http://localhost:8483"),
            (ORIGIN, "http://evil.example"),
        ];
        assert_eq!(get(&twice), Err("foreign_origin"));
        let old = [(ORIGIN, "http://localhost:8483")];
        assert_eq!(check(Method::GET, "/x", Version::HTTP_10, &old), Err("foreign_origin"));
    }

    #[test]
    fn a_body_is_declared_as_json() {
        let with = |content_type: &str| {
            let pairs = [(HOST, "localhost"), (CONTENT_TYPE, content_type)];
            check(Method::POST, "/x", Version::HTTP_11, &pairs)
        };
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/x-ndjson",
            "application/jsonl",
            "application/cloudevents-batch+json; charset=UTF-8",
        ] {
            assert_eq!(with(json), Ok(()), "{json}");
        }
        // The three that a page may send without asking, and near misses.
        for other in [
            "text/plain",
            "text/plain; x=application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "text/json+json",
            "application/jsonp",
            "",
        ] {
            assert_eq!(with(other), Err("content_type"), "{other}");
        }
        let none = [(HOST, "localhost")];
        assert_eq!(check(Method::POST, "/x", Version::HTTP_11, &none), Err("content_type"));
        assert_eq!(check(Method::GET, "/x", Version::HTTP_11, &none), Ok(()));
        let twice =
            [(HOST, "localhost"), (CONTENT_TYPE, "application/json"), (CONTENT_TYPE, "text/plain")];
        assert_eq!(check(Method::POST, "/x", Version::HTTP_11, &twice), Err("content_type"));
    }
}
