//! Receivers of alerts. To add one, write its file, and its line in the list of [`SinkConfig`].
//!
//! A sink turns a notice into a request and does nothing else: it does not send, wait or decide.

mod alertmanager;
mod pagerduty;
mod slack;
mod webhook;

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::alertmanager::Alertmanager;
pub use self::pagerduty::PagerDuty;
pub use self::slack::Slack;
pub use self::webhook::Webhook;
use crate::alert::Severity;
use crate::machine::Notice;
pub use crate::secret::SecretError;
use crate::secret::Secrets;
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

    /// What is wrong with the values, each with its key.
    fn problems(&self) -> Vec<String>;

    /// How often an alert that fires is told again; `None` for receivers that do not forget.
    fn refresh_ms(&self) -> Option<i64> {
        None
    }

    /// Reads the secrets.
    fn open(&self, secrets: &Secrets<'_>) -> Result<Box<dyn Sink>, SecretError>;
}

/// A sink that is ready: it knows its secrets.
pub(crate) trait Sink: Debug + Send + Sync {
    /// The request that tells a notice at that time. The same notice at the same time gives the
    /// same request; at another time one that the receiver takes for the same.
    fn request(&self, notice: &Notice, now_ms: i64) -> Request;
}

macro_rules! sinks {
    ($($(#[doc = $doc:literal])* $variant:ident,)*) => {
        /// Configuration of a sink; `type` says which kind it is.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        pub enum SinkConfig {
            $($(#[doc = $doc])* $variant($variant),)*
        }

        impl SinkConfig {
            fn as_type(&self) -> &dyn SinkType {
                match self {
                    $(Self::$variant(config) => config,)*
                }
            }
        }
    };
}

sinks! {
    /// Prometheus Alertmanager, API v2.
    Alertmanager,
    /// PagerDuty, Events API v2.
    PagerDuty,
    /// Slack, incoming webhook.
    Slack,
    /// Any HTTP receiver, signed by Standard Webhooks.
    Webhook,
}

impl SinkConfig {
    pub(crate) fn route(&self) -> &Route {
        self.as_type().route()
    }

    pub(crate) fn refresh_ms(&self) -> Option<i64> {
        self.as_type().refresh_ms()
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.as_type().problems();
        if self.route().severities.is_empty() {
            problems.push("`route.severities`: at least one is needed".into());
        }
        problems
    }

    pub(crate) fn open(&self, secrets: &Secrets<'_>) -> Result<Box<dyn Sink>, SecretError> {
        self.as_type().open(secrets)
    }
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
        (Some("http" | "https"), Some(host)) if !host.is_empty() => None,
        _ => Some("must begin with http:// or https:// and name a host"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::Value;
    use service::config::Secret;

    use super::*;
    use crate::alert::tests::alert;
    use crate::alert::{Alert, Step};

    /// A notice of that step of a whole episode.
    pub(crate) fn notice(step: Step) -> Notice {
        let taken = |step| {
            let actor_id = Some("ana@example.org".to_owned());
            Arc::new(Alert { actor_id, reason: Some("looking".into()), ..alert(step, "a-1") })
        };
        Notice {
            opened: Arc::new(alert(Step::Firing, "a-1")),
            acknowledged: (step >= Step::Acknowledged).then(|| taken(Step::Acknowledged)),
            current: match step {
                Step::Firing => Arc::new(alert(step, "a-1")),
                Step::Acknowledged | Step::Resolved => taken(step),
            },
        }
    }

    /// A sink of that configuration, with the secrets `pagerduty`, `slack` and `webhook`.
    pub(crate) fn open(toml: &str) -> Box<dyn Sink> {
        let config: SinkConfig = toml::from_str(toml).unwrap();
        assert_eq!(config.problems(), Vec::<String>::new());
        let secret = |name: &str, text: &str| (name.to_owned(), Secret::new(text.to_owned()));
        let named = BTreeMap::from([
            secret("pagerduty", "R0UT1NG"),
            secret("slack", "https://hooks.slack.example/services/S3CRET"),
            secret("webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ]);
        config.open(&Secrets { sink: "s", named: &named }).unwrap()
    }

    pub(crate) fn json(request: &Request) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    #[test]
    fn every_kind_has_its_name_and_a_wrong_key_is_an_error() {
        for (kind, rest) in [
            ("alertmanager", "url = 'http://a:9093'"),
            ("pagerduty", "token_file = '/run/secrets/pagerduty'"),
            ("slack", "url_name = 'slack'"),
            ("webhook", "url = 'https://hooks.example/x'\ntoken_name = 'webhook'"),
        ] {
            let config: SinkConfig = toml::from_str(&format!("type = '{kind}'\n{rest}")).unwrap();
            assert_eq!(config.problems(), Vec::<String>::new(), "{kind}");
            assert_eq!(config.route(), &Route::default());
            let wrong =
                toml::from_str::<SinkConfig>(&format!("type = '{kind}'\n{rest}\nurll = ''"));
            assert!(wrong.unwrap_err().to_string().contains("urll"), "{kind}");
            let again = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<SinkConfig>(&again).unwrap(), config);
        }
        let unknown = toml::from_str::<SinkConfig>("type = 'pigeon'").unwrap_err().to_string();
        assert!(unknown.contains("pagerduty"), "{unknown}");
        let nowhere = "type = 'slack'\nurl_name = 'slack'\nroute = { severities = [] }";
        let nowhere: SinkConfig = toml::from_str(nowhere).unwrap();
        assert_eq!(nowhere.problems(), ["`route.severities`: at least one is needed"]);
    }

    #[test]
    fn urls_are_checked() {
        for url in ["http://a:9093", "https://example.org/x?y=1", "http://[::1]:80"] {
            assert_eq!(url_problem(url), None, "{url}");
        }
        for url in ["", "a:9093", "ftp://x", "/path", "http://", "http:// x"] {
            assert!(url_problem(url).is_some(), "{url}");
        }
    }

    #[test]
    fn a_request_shows_nothing_of_itself_and_is_the_same_when_it_is_made_again() {
        for (toml, secret) in [
            ("type = 'pagerduty'\ntoken_name = 'pagerduty'", "R0UT1NG"),
            ("type = 'slack'\nurl_name = 'slack'", "S3CRET"),
            ("type = 'webhook'\nurl = 'http://x'\ntoken_name = 'webhook'", "MfKQ9r8"),
            ("type = 'alertmanager'\nurl = 'http://x'\ntoken_name = 'pagerduty'", "R0UT1NG"),
        ] {
            let sink = open(toml);
            for step in Step::ALL {
                let request = sink.request(&notice(step), 1_760_000_100_000);
                assert_eq!(request, sink.request(&notice(step), 1_760_000_100_000));
                assert_eq!(request.digest().len(), 64);
                assert!(!format!("{sink:?} {request:?}").contains(secret), "{toml}");
            }
        }
    }
}
