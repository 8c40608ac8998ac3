//! PagerDuty, Events API v2: trigger, acknowledge, resolve
//! (<https://developer.pagerduty.com/docs/events-api-v2/overview/>).
//!
//! `dedup_key` is the alert's identifier: PagerDuty deduplicates a repeated trigger, and ignores a
//! repeated acknowledge or resolve.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use service::config::Secret;
use sha2::{Digest, Sha256};

use super::contract::{Common, Request, Route, Sink, SinkType, facts, required};
use crate::alert::{Severity, Step};
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::{clip, hex};

/// Longest summary, characters.
const SUMMARY_MAX: usize = 1_024;
/// Longest `dedup_key`, characters.
const DEDUP_KEY_MAX: usize = 255;

/// Configuration of a PagerDuty service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDuty {
    /// URL of the Events API. Default `https://events.pagerduty.com/v2/enqueue`; the EU service region
    /// has its own.
    pub url: String,
    /// File with the integration key of the service.
    pub token_file: Option<PathBuf>,
    /// Name of the integration key in `[notifier.secrets]`.
    pub token_name: Option<String>,
    /// Which alerts go to it.
    pub route: Route,
}

impl Default for PagerDuty {
    fn default() -> Self {
        Self {
            url: "https://events.pagerduty.com/v2/enqueue".to_owned(),
            token_file: None,
            token_name: None,
            route: Route::default(),
        }
    }
}

impl SinkType for PagerDuty {
    fn common(&self) -> Common<'_> {
        let (file, name) = (self.token_file.as_ref(), self.token_name.as_ref());
        let secret = SecretRef::new("token", file, name, true);
        Common { url: Some(&self.url), secret, route: &self.route }
    }

    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String> {
        Ok(Box::new(Ready { url: self.url.clone(), token: required(secret) }))
    }
}

#[derive(Debug)]
struct Ready {
    url: String,
    token: Secret,
}

fn dedup_key(alert_id: &str) -> String {
    if alert_id.chars().nth(DEDUP_KEY_MAX).is_none() {
        return alert_id.to_owned();
    }
    hex(&Sha256::digest(alert_id.as_bytes()))
}

impl Sink for Ready {
    fn request(&self, notice: &Notice, _now_ms: i64) -> Request {
        let Notice { opened, current, .. } = notice;
        let mut body = json!({
            "routing_key": self.token.reveal(),
            "event_action": match current.step {
                Step::Firing => "trigger",
                Step::Acknowledged => "acknowledge",
                Step::Resolved => "resolve",
            },
            "dedup_key": dedup_key(&current.alert_id),
        });
        if current.step == Step::Firing
            && let Some(fields) = body.as_object_mut()
        {
            let payload = json!({
                "summary": clip(&opened.title(), SUMMARY_MAX),
                "source": opened.subject(),
                "severity": match opened.severity {
                    Severity::Page => "critical",
                    Severity::Ticket => "warning",
                },
                "timestamp": opened.fired_at(),
                "component": opened.agent_version,
                "group": opened.environment,
                "class": opened.metric,
                "custom_details": facts(opened),
            });
            fields.insert("payload".into(), payload);
            fields.insert("client".into(), "Driftseal".into());
            if let Some(url) = &opened.runbook_url {
                fields.insert("links".into(), json!([{"href": url, "text": "Runbook"}]));
            }
        }
        Request {
            url: self.url.clone(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            secrets: vec![self.token.reveal().to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SinkConfig;
    use super::super::tests::{json, notice, open};
    use super::*;

    #[test]
    fn the_three_actions_share_a_key() {
        let sink = open("type = 'pagerduty'\ntoken_name = 'pagerduty'");
        let [trigger, acknowledge, resolve] = Step::ALL.map(|step| {
            let request = sink.request(&notice(step), 0);
            assert_eq!(request.url, "https://events.pagerduty.com/v2/enqueue");
            json(&request)
        });
        assert_eq!(trigger["event_action"], "trigger");
        assert_eq!(trigger["routing_key"], "R0UT1NG");
        assert_eq!(trigger["payload"]["summary"], "support v2: run.error_rate is rising");
        assert_eq!(trigger["payload"]["source"], "support");
        assert_eq!(trigger["payload"]["severity"], "critical");
        assert_eq!(trigger["payload"]["timestamp"], "2025-10-09T08:53:20.500000Z");
        assert_eq!(trigger["payload"]["custom_details"]["effect_interval"], json!([0.14, 0.43]));
        assert_eq!(trigger["links"][0]["href"], "https://runbooks.example/drift");
        for (body, action) in [(acknowledge, "acknowledge"), (resolve, "resolve")] {
            let expected =
                json!({"routing_key": "R0UT1NG", "event_action": action, "dedup_key": "a-1"});
            assert_eq!(body, expected);
        }
        assert_eq!(trigger["dedup_key"], "a-1");
    }

    #[test]
    fn a_key_that_is_too_long_is_replaced_by_its_digest() {
        assert_eq!(dedup_key(&"k".repeat(255)).len(), 255);
        assert_eq!(dedup_key(&"k".repeat(256)).len(), 64);
    }

    #[test]
    fn the_key_is_needed() {
        let problems = SinkConfig::PagerDuty(PagerDuty::default()).problems();
        assert_eq!(problems, ["`token_file`: must be set, or `token_name`"]);
    }
}
