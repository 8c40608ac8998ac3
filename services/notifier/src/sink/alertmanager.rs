//! Prometheus Alertmanager, API v2: `POST /api/v2/alerts`
//! (<https://prometheus.io/docs/alerting/latest/alerts_api/>).
//!
//! Labels identify an alert, so that a repeated request is the same alert. Each request replaces the
//! annotations, so all requests repeat them. Alertmanager keeps alerts in memory and resolves them at
//! `endsAt`; a firing alert is sent again every `resend_secs`, with an `endsAt` `hold_secs` in the
//! future. A restarted Alertmanager therefore misses an alert for at most `resend_secs`, and no alert
//! is resolved while the notifier is down for less than `hold_secs`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use service::config::{Checks, Secret};

use super::contract::{Common, Request, Route, Sink, SinkType};
use crate::alert::{Alert, Step, number, rfc3339};
use crate::machine::Notice;
use crate::secret::SecretRef;

/// Labels that Driftseal sets.
const OWN: [&str; 10] = [
    "agent_id",
    "agent_version",
    "alert_id",
    "alertname",
    "direction",
    "environment",
    "metric",
    "severity",
    "suite",
    "tenant_id",
];

/// Configuration of an Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alertmanager {
    /// Base URL, without `/api/v2/alerts`, for example `http://alertmanager:9093`. Each member of a
    /// cluster must be notified, as a sink of its own.
    pub url: String,
    /// File with a bearer token, if a proxy requires one.
    pub token_file: Option<PathBuf>,
    /// Name of the token in `[notifier.secrets]`.
    pub token_name: Option<String>,
    /// Value of the label `alertname`. Default `AgentDrift`.
    pub alertname: String,
    /// Additional labels of all alerts.
    pub labels: BTreeMap<String, String>,
    /// Interval between requests for a firing alert, seconds. Default 60, at least 1.
    pub resend_secs: u32,
    /// Time after which Alertmanager resolves an alert that is not sent again, seconds. Default 3,600,
    /// at least twice `resend_secs`.
    pub hold_secs: u32,
    /// Which alerts go to it.
    pub route: Route,
}

impl Default for Alertmanager {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_file: None,
            token_name: None,
            alertname: "AgentDrift".to_owned(),
            labels: BTreeMap::new(),
            resend_secs: 60,
            hold_secs: 3_600,
            route: Route::default(),
        }
    }
}

impl SinkType for Alertmanager {
    fn common(&self) -> Common<'_> {
        let (file, name) = (self.token_file.as_ref(), self.token_name.as_ref());
        let secret = SecretRef::new("token", file, name, false);
        Common { url: Some(&self.url), secret, route: &self.route }
    }

    fn check(&self, checks: &mut Checks) {
        checks.not_empty("alertname", &self.alertname);
        for label in self.labels.keys() {
            let key = format!("labels.{label}");
            let mut bytes = label.bytes();
            let begins = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            let is_label = begins && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let rule = "consist of letters, digits and `_`, and not begin with a digit";
            checks.must(is_label, &key, rule);
            let is_own = OWN.contains(&label.as_str());
            checks.must(!is_own, &key, "not be a label that Driftseal sets");
        }
        checks.at_least("resend_secs", self.resend_secs, 1);
        let is_held = u64::from(self.hold_secs) >= 2 * u64::from(self.resend_secs);
        checks.must(is_held, "hold_secs", "be at least twice `resend_secs`");
    }

    fn refresh_ms(&self) -> Option<i64> {
        Some(i64::from(self.resend_secs) * 1_000)
    }

    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String> {
        Ok(Box::new(Ready {
            url: format!("{}/api/v2/alerts", self.url.trim_end_matches('/')),
            token: secret,
            alertname: self.alertname.clone(),
            labels: self.labels.clone(),
            hold_ms: i64::from(self.hold_secs) * 1_000,
        }))
    }
}

#[derive(Debug)]
struct Ready {
    url: String,
    token: Option<Secret>,
    alertname: String,
    labels: BTreeMap<String, String>,
    hold_ms: i64,
}

impl Ready {
    /// All from the event by which it fired: with another label it would be another alert.
    fn labels<'a>(&'a self, opened: &'a Alert) -> BTreeMap<&'a str, &'a str> {
        let own: [(&str, Option<&str>); OWN.len()] = [
            ("alertname", Some(&self.alertname)),
            ("alert_id", Some(&opened.alert_id)),
            ("agent_id", Some(&opened.agent_id)),
            ("agent_version", opened.agent_version.as_deref()),
            ("metric", Some(&opened.metric)),
            ("suite", opened.suite.as_deref()),
            ("direction", opened.direction.as_deref()),
            ("severity", Some(opened.severity.name())),
            ("environment", opened.environment.as_deref()),
            ("tenant_id", opened.tenant_id.as_deref()),
        ];
        let more = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // Alertmanager treats an empty label as absent.
        own.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(more)
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

fn annotations(notice: &Notice) -> BTreeMap<&'static str, String> {
    let Notice { opened, acknowledged, current } = notice;
    let mut all = BTreeMap::from([
        ("summary", opened.title()),
        ("description", opened.description()),
        ("example_runs", opened.example_runs.join(", ")),
    ]);
    let mut set = |name, value: Option<String>| {
        all.insert(name, value.unwrap_or_default());
    };
    set("effect", opened.effect.map(number));
    set("e_value", opened.e_value.map(number));
    set("since", opened.since());
    set("last_change", opened.last_change.clone());
    set("last_change_id", opened.last_change_id.clone());
    set("runbook_url", opened.runbook_url.clone());
    if let Some(taken) = acknowledged {
        set("acknowledged_by", taken.actor_id.clone());
        set("acknowledged_reason", taken.reason.clone());
    }
    if current.step == Step::Resolved {
        set("resolved_reason", current.reason.clone());
        set("resolved_by", current.actor_id.clone());
    }
    all.retain(|_, value| !value.is_empty());
    all
}

impl Sink for Ready {
    fn request(&self, notice: &Notice, now_ms: i64) -> Request {
        let Notice { opened, current, .. } = notice;
        // If a clock is ahead, an alert must neither start later than now nor end in the future.
        let starts_ms = opened.logged_ms.min(now_ms);
        let ends_ms = match current.step {
            Step::Firing | Step::Acknowledged => now_ms + self.hold_ms,
            Step::Resolved => current.logged_ms.min(now_ms).max(starts_ms),
        };
        let body = json!([{
            "labels": self.labels(opened),
            "annotations": annotations(notice),
            "startsAt": rfc3339(starts_ms),
            "endsAt": rfc3339(ends_ms),
        }]);
        let token = self.token.as_ref().map(|token| token.reveal().to_owned());
        Request {
            url: self.url.clone(),
            headers: token
                .iter()
                .map(|token| ("authorization", format!("Bearer {token}")))
                .collect(),
            body: body.to_string().into_bytes(),
            secrets: token.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SinkConfig;
    use super::super::tests::{json, notice, open};
    use super::*;

    const NOW_MS: i64 = 1_760_000_100_000;

    #[test]
    fn labels_stay_the_same_and_annotations_are_repeated_until_the_end() {
        let sink = open("type = 'alertmanager'\nurl = 'http://a:9093/'\nlabels = { team = 'ai' }");
        let bodies = Step::ALL.map(|step| {
            let request = sink.request(&notice(step), NOW_MS);
            assert_eq!(request.url, "http://a:9093/api/v2/alerts");
            json(&request)[0].clone()
        });
        let labels = json!({
            "alertname": "AgentDrift", "alert_id": "a-1", "agent_id": "support",
            "agent_version": "v2", "metric": "run.error_rate", "direction": "rising",
            "severity": "page", "environment": "production", "team": "ai",
        });
        for body in &bodies {
            assert_eq!(body["labels"], labels);
            assert_eq!(body["annotations"]["summary"], "support v2: run.error_rate is rising");
            assert_eq!(body["annotations"]["runbook_url"], "https://runbooks.example/drift");
            assert_eq!(body["startsAt"], "2025-10-09T08:53:20.500000Z");
        }
        let ends = bodies.each_ref().map(|body| body["endsAt"].clone());
        assert_eq!(
            ends,
            [
                "2025-10-09T09:55:00.000000Z",
                "2025-10-09T09:55:00.000000Z",
                "2025-10-09T08:53:20.500000Z"
            ]
        );
        assert_eq!(bodies[0]["annotations"].get("acknowledged_by"), None);
        for body in &bodies[1..] {
            assert_eq!(body["annotations"]["acknowledged_by"], "ana@example.org");
        }
        assert_eq!(bodies[2]["annotations"]["resolved_reason"], "looking");
    }

    #[test]
    fn clocks_that_are_ahead_do_not_make_an_alert_of_the_future() {
        let sink = open("type = 'alertmanager'\nurl = 'http://a'");
        let body = json(&sink.request(&notice(Step::Resolved), 1_000_000));
        assert_eq!(body[0]["startsAt"], body[0]["endsAt"]);
        assert_eq!(body[0]["endsAt"], "1970-01-01T00:16:40.000000Z");
    }

    #[test]
    fn a_token_goes_into_its_header() {
        let sink = open("type = 'alertmanager'\nurl = 'http://a'\ntoken_name = 'pagerduty'");
        let request = sink.request(&notice(Step::Firing), NOW_MS);
        assert_eq!(request.headers, [("authorization", "Bearer R0UT1NG".to_owned())]);
    }

    #[test]
    fn problems_are_named() {
        let labels = ["9", "a-b", "severity"].map(|label| (label.to_owned(), String::new()));
        let config = Alertmanager {
            labels: BTreeMap::from(labels),
            hold_secs: 100,
            ..Alertmanager::default()
        };
        assert_eq!(
            SinkConfig::Alertmanager(config).problems(),
            [
                "`url`: must begin with http:// or https:// and name a host",
                "`labels.9`: must consist of letters, digits and `_`, and not begin with a digit",
                "`labels.a-b`: must consist of letters, digits and `_`, and not begin with a digit",
                "`labels.severity`: must not be a label that Driftseal sets",
                "`hold_secs`: must be at least twice `resend_secs`",
            ]
        );
    }
}
