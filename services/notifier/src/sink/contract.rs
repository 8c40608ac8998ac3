//! The interface of sinks: their configuration, and the sink itself once its secret is known.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use service::config::{Checks, Secret};
use sha2::{Digest, Sha256};

use crate::alert::{Alert, Severity};
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::hex;

/// Which alerts go to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Severities: `page`, `ticket`. Default both.
    pub severities: Vec<Severity>,
    /// Environments, as in events; an empty text stands for events without an environment. Default none,
    /// which means all.
    pub environments: Vec<String>,
}

impl Default for Route {
    fn default() -> Self {
        Self { severities: vec![Severity::Page, Severity::Ticket], environments: Vec::new() }
    }
}

/// The settings that all types of sinks have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Common<'a> {
    /// URL of the receiver; `None` if the URL is the secret.
    pub(crate) url: Option<&'a str>,
    /// The secret.
    pub(crate) secret: SecretRef<'a>,
    /// Which alerts go to the sink.
    pub(crate) route: &'a Route,
}

/// The configuration of a type of sink.
pub(crate) trait SinkType {
    /// The settings that all types have.
    fn common(&self) -> Common<'_>;

    /// Checks the other settings.
    fn check(&self, _checks: &mut Checks) {}

    /// Interval at which a firing alert is sent again; `None` if the receiver needs no refreshes.
    fn refresh_ms(&self) -> Option<i64> {
        None
    }

    /// The sink itself, given its secret, which is present if it is required.
    ///
    /// # Errors
    ///
    /// Why the secret is invalid, without the secret.
    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String>;
}

/// The secret of a sink that requires one.
pub(crate) fn required(secret: Option<Secret>) -> Secret {
    let Some(secret) = secret else { unreachable!("a required secret is missing") };
    secret
}

/// A sink with its secret. It turns a notice into a request; it does not send, wait or decide.
pub(crate) trait Sink: Debug + Send + Sync {
    /// The request for a notice. The same notice at the same time gives the same request; at another
    /// time it gives one that the receiver recognises as a repetition.
    fn request(&self, notice: &Notice, now_ms: i64) -> Request;
}

/// The facts of the event by which an alert fired, as a JSON object.
pub(crate) fn facts(opened: &Alert) -> Map<String, Value> {
    let facts = json!({
        "alert_id": &*opened.alert_id,
        "severity": opened.severity.name(),
        "description": opened.description(),
        "tenant_id": opened.tenant_id,
        "environment": opened.environment,
        "agent_id": opened.agent_id,
        "agent_version": opened.agent_version,
        "metric": opened.metric,
        "suite": opened.suite,
        "direction": opened.direction,
        "since": opened.since(),
        "fired_at": opened.fired_at(),
        "since_observations": opened.since_observations,
        "detector": opened.detector,
        "e_value": opened.e_value,
        "threshold": opened.threshold,
        "baseline_version": opened.baseline_version,
        "baseline_count": opened.baseline_count,
        "baseline_value": opened.baseline_value,
        "observed": opened.observed,
        "effect": opened.effect,
        "effect_interval": opened.effect_interval.map(|(low, high)| [low, high]),
        "example_runs": opened.example_runs,
        "last_change": opened.last_change,
        "last_change_id": opened.last_change_id,
    });
    let Value::Object(facts) = facts else { unreachable!("the facts are an object") };
    facts
}

/// An HTTP POST of JSON.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) url: String,
    /// Headers other than `content-type`.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Texts that must not appear in logs or errors about the request.
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

/// The rule that a URL breaks, if any: "the URL must …".
pub(crate) fn url_problem(url: &str) -> Option<&'static str> {
    const FORM: &str = "begin with http:// or https:// and name a host";
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return Some(FORM) };
    match (uri.scheme_str(), uri.host()) {
        (_, None | Some("")) => Some(FORM),
        (Some("https"), _) if !cfg!(feature = "tls") => {
            Some("begin with http://: this build lacks the feature `tls`")
        }
        (Some("http" | "https"), _) => None,
        _ => Some(FORM),
    }
}
