//! Prometheus Alertmanager, API v2: `POST /api/v2/alerts`
//! (<https://prometheus.io/docs/alerting/latest/alerts_api/>).
//!
//! The labels identify the alert, so a repeated request is the same alert. Annotations are replaced
//! by the last request, so every request repeats them. Alertmanager keeps alerts in memory and
//! resolves them at `endsAt`; a firing alert is sent again every `resend_secs`, with an `endsAt` that
//! is `hold_secs` away. So a restarted Alertmanager misses an alert for at most the first, and a
//! notifier that is down for less than the second resolves none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;
use service::config::Secret;

use super::contract::{Request, Route, Sink, SinkType};
use crate::alert::{Alert, Step, number, rfc3339};
use crate::machine::Notice;
use crate::secret::SecretRef;

/// Labels that are ours.
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
    /// Its address without `/api/v2/alerts`, for example `http://alertmanager:9093`. Members of a
    /// cluster are sinks of their own: each must be notified.
    pub url: String,
    /// File of a bearer token, if a proxy before it wants one.
    pub token_file: Option<PathBuf>,
    /// The same by its name in `[notifier.secrets]`.
    pub token_name: Option<String>,
    /// Value of the label `alertname`. Default `AgentDrift`.
    pub alertname: String,
    /// Further labels, the same for every alert.
    pub labels: BTreeMap<String, String>,
    /// Seconds between two requests for a firing alert. Default 60, at least 1.
    pub resend_secs: u32,
    /// Seconds after which it resolves an alert that is not sent again. Default 3,600, at least twice
    /// `resend_secs`.
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
    fn route(&self) -> &Route {
        &self.route
    }

    fn url(&self) -> Option<&str> {
        Some(&self.url)
    }

    fn secret(&self) -> SecretRef<'_> {
        SecretRef {
            key: "token",
            file: self.token_file.as_deref(),
            name: self.token_name.as_deref(),
            is_required: false,
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.alertname.is_empty() {
            problems.push("`alertname`: must not be empty".into());
        }
        for label in self.labels.keys() {
            let mut bytes = label.bytes();
            let begins = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            if !begins || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                problems.push(format!("`labels.{label}`: must hold only letters, digits and `_`"));
            }
            if OWN.contains(&label.as_str()) {
                problems.push(format!("`labels.{label}`: must not be a label that Driftseal sets"));
            }
        }
        if self.resend_secs == 0 {
            problems.push("`resend_secs`: must be at least 1".into());
        }
        if u64::from(self.hold_secs) < 2 * u64::from(self.resend_secs) {
            problems.push("`hold_secs`: must be at least twice `resend_secs`".into());
        }
        problems
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
    /// All from the event by which it fired: a label that changed would be another alert.
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
        // Alertmanager takes an empty label for an absent one.
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
        // A clock that is ahead must neither begin an alert later nor end it in the future.
        let starts_ms = opened.time_ms.min(now_ms);
        let ends_ms = match current.step {
            Step::Firing | Step::Acknowledged => now_ms.saturating_add(self.hold_ms),
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
            assert_eq!(body["startsAt"], "2025-10-09T08:53:20.000000Z");
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
                "`url`: is not a URL",
                "`labels.9`: must hold only letters, digits and `_`",
                "`labels.a-b`: must hold only letters, digits and `_`",
                "`labels.severity`: must not be a label that Driftseal sets",
                "`hold_secs`: must be at least twice `resend_secs`",
            ]
        );
    }
}
