//! What a sink is: a configuration, and what it becomes once its secret is known.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};
use service::config::Secret;
use sha2::{Digest, Sha256};

use crate::alert::Severity;
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::hex;

/// Which alerts go to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Severities: `page`, `ticket`. Default both.
    pub severities: Vec<Severity>,
    /// Environments, as events name them; an empty text stands for events that name none. Default
    /// none, which means all.
    pub environments: Vec<String>,
}

impl Default for Route {
    fn default() -> Self {
        Self { severities: vec![Severity::Page, Severity::Ticket], environments: Vec::new() }
    }
}

/// What the configuration of a sink can do.
pub(crate) trait SinkType {
    /// Which alerts go to it.
    fn route(&self) -> &Route;

    /// Where requests go; `None` if the URL is the secret.
    fn url(&self) -> Option<&str>;

    /// The secret that it needs or may have.
    fn secret(&self) -> SecretRef<'_>;

    /// What is wrong with the other values, each with its key.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// How often a firing alert is sent again; `None` for receivers that do not forget.
    fn refresh_ms(&self) -> Option<i64> {
        None
    }

    /// The sink itself, given its secret, which is there if [`SinkType::secret`] requires it.
    ///
    /// # Errors
    ///
    /// Why the secret is not usable, without the secret.
    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String>;
}

/// A sink that is ready: it knows its secret. It turns a notice into a request and does nothing else:
/// it does not send, wait or decide.
pub(crate) trait Sink: Debug + Send + Sync {
    /// The request that says a notice at that time. The same notice at the same time gives the
    /// same request; at another time one that the receiver takes for the same.
    fn request(&self, notice: &Notice, now_ms: i64) -> Request;
}

/// An HTTP POST of JSON.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) url: String,
    /// Names and values besides `content-type`.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Texts that must not appear in what is said about the request.
    pub(crate) secrets: Vec<String>,
}

impl Request {
    /// SHA-256 of the body, hexadecimal.
    pub(crate) fn digest(&self) -> String {
        hex(&Sha256::digest(&self.body))
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The URL and any header may be a secret, and the body holds PagerDuty's key.
        f.debug_struct("Request").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What is wrong with a URL, if anything.
pub(crate) fn url_problem(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return Some("is not a URL") };
    match (uri.scheme_str(), uri.host()) {
        (_, None | Some("")) => Some("must begin with http:// or https:// and name a host"),
        (Some("https"), _) if !cfg!(feature = "tls") => {
            Some("https:// needs a build with the feature `tls`")
        }
        (Some("http" | "https"), _) => None,
        _ => Some("must begin with http:// or https:// and name a host"),
    }
}
