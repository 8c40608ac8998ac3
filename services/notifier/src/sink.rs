//! Receivers of alerts. To add one, write its file and two lines here: the module and its entry in the
//! list.

pub mod alertmanager;
mod contract;
pub mod pagerduty;
pub mod slack;
pub mod webhook;

use serde::{Deserialize, Serialize};
use service::config::Checks;

pub use self::contract::Route;
use self::contract::{Common, SinkType, url_problem};
pub(crate) use self::contract::{Request, Sink};
use crate::secret::{SecretError, Secrets};

macro_rules! sinks {
    ($($(#[doc = $doc:literal])* $module:ident::$variant:ident,)*) => {
        /// Configuration of a sink; `type` selects the type.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        pub enum SinkConfig {
            $($(#[doc = $doc])* $variant($module::$variant),)*
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
    alertmanager::Alertmanager,
    /// PagerDuty, Events API v2.
    pagerduty::PagerDuty,
    /// Slack, incoming webhook.
    slack::Slack,
    /// Any HTTP receiver, signed according to Standard Webhooks.
    webhook::Webhook,
}

impl SinkConfig {
    pub(crate) fn route(&self) -> &Route {
        self.as_type().common().route
    }

    pub(crate) fn refresh_ms(&self) -> Option<i64> {
        self.as_type().refresh_ms()
    }

    /// Invalid values, each with its key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let sink = self.as_type();
        let Common { url, secret, route } = sink.common();
        let mut checks = Checks::new();
        if let Some(rule) = url.and_then(url_problem) {
            checks.must(false, "url", rule);
        }
        let mut problems = checks.into_problems();
        problems.extend(secret.problem());
        let mut checks = Checks::new();
        sink.check(&mut checks);
        checks.not_empty("route.severities", &route.severities);
        problems.extend(checks.into_problems());
        problems
    }

    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// A secret that is missing or invalid.
    pub(crate) fn open(&self, secrets: &Secrets<'_>) -> Result<Box<dyn Sink>, SecretError> {
        let sink = self.as_type();
        let key = sink.common().secret;
        let secret = secrets.find(&key)?;
        sink.open(secret).map_err(|reason| secrets.unusable(&key, &reason))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use serde_json::Value;
    use service::config::Secret;

    use super::*;
    use crate::alert::tests::alert;
    use crate::alert::{Alert, Step};
    use crate::machine::Notice;

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
        assert_eq!(nowhere.problems(), ["`route.severities`: must not be empty"]);
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

    /// Files of shipped code below a directory, without those of tests.
    fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "tests" {
                sources(&path, into);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                into.push(path);
            }
        }
    }

    #[test]
    fn a_sink_takes_one_file_and_its_two_lines_here() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        sources(&crates.join("src"), &mut files);
        sources(&crates.join("../driftseal/src"), &mut files);
        let directory = crates.join("src/sink");
        let own = |file: &&PathBuf| file.parent() == Some(&*directory);
        let sinks: Vec<&PathBuf> =
            files.iter().filter(own).filter(|file| !file.ends_with("contract.rs")).collect();
        assert!(sinks.len() >= 4, "{sinks:?}");
        for sink in sinks {
            let name = sink.file_stem().unwrap().to_str().unwrap();
            let mut mentions = Vec::new();
            for file in files.iter().filter(|file| *file != sink) {
                let text = std::fs::read_to_string(file).unwrap();
                let code = text.split("#[cfg(test)]\npub(crate) mod tests {").next().unwrap();
                let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
                let lines = lines.filter(|line| line.to_lowercase().contains(name));
                mentions.extend(lines.map(|line| (file.clone(), line.to_owned())));
            }
            let list = crates.join("src/sink.rs");
            assert!(mentions.iter().all(|(file, _)| *file == list), "{name}: {mentions:?}");
            assert_eq!(mentions.len(), 2, "{name}: {mentions:?}");
        }
    }
}
