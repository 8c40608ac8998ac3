//! Configuration of the service.

use std::collections::BTreeMap;
use std::time::Duration;

use ports::EventLog;
use ports::settings::{Demand, Purpose};
use serde::{Deserialize, Serialize};
use service::RoleError;
use service::config::{Checks, Secret};
use service::role::match_partitions;

use crate::machine::{DeliveryLimits, SinkPlan};
use crate::secret::Secrets;
use crate::sink::SinkConfig;

/// Longest name of a sink.
const NAME_MAX: usize = 64;

/// Configuration of the notifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Consumer group; on a cluster it is named `<topics.prefix><group>.<tag of the installation>`.
    /// Default `driftseal-notifier`.
    pub group: String,
    /// Topics.
    pub topics: Topics,
    /// Longest wait for records in one step, milliseconds. Default 100. Bounds also the delay of
    /// noticing a shutdown or a response.
    pub poll_wait_ms: u64,
    /// Timeout of a request, from name resolution to the end of the response, milliseconds. Default
    /// 15,000, at least 1.
    pub request_wait_ms_max: u64,
    /// Concurrent requests to one sink. Default 4, from 1 to 64. Requests for one alert are sequential.
    pub requests_max: usize,
    /// Attempts to deliver a notification. Default 30, at least 1; with the other defaults they take
    /// about two hours. Then it becomes a dead letter: `notification.failed`, reason `exhausted`.
    pub attempts_max: u32,
    /// Wait before the second attempt, milliseconds; doubles with each further attempt. Default 1,000.
    /// Half of each wait is jitter, so that alerts that failed together are not retried together.
    pub retry_ms: u32,
    /// Longest wait between attempts, milliseconds. Default 300,000, at least `retry_ms`.
    pub retry_ms_max: u32,
    /// Longest pause that a receiver may request by `Retry-After`, seconds. Default 3,600. The pause
    /// applies to all requests to this receiver.
    pub retry_after_secs_max: u32,
    /// Age at which an alert that has been resolved before it could be sent becomes a dead letter,
    /// reason `expired`, seconds. Default 3,600. A firing alert is sent at any age.
    pub age_secs_max: u32,
    /// Seconds without a heartbeat in a partition after which the monitor is considered dead
    /// (`monitor.dead`, a page). Default 300, at least three times `processor.tick_interval_secs`; 0
    /// disables the check.
    pub dead_after_secs: u32,
    /// Alert limit: alerts that are firing or await delivery. Default 10,000, at least 1. Beyond it a
    /// new alert becomes a dead letter for every sink, reason `overflow`; while the log is read at the
    /// start, it is dropped, counted and logged. An alert takes at most about 20 KiB.
    pub alerts_max: usize,
    /// Notifications queued for one sink. Default 1,000, at least 1. Beyond it a new alert becomes a
    /// dead letter for this sink, reason `overflow`; updates of earlier alerts are still queued.
    pub queue_max: usize,
    /// Interval at which the read position is saved, seconds. Default 30. A restart reads on from the
    /// saved position, and `overlap_records` before it.
    pub position_secs_max: u64,
    /// Records before the first open alert that a restart reads too. Default 10,000. Among them it
    /// recognises duplicates that another process wrote late.
    pub overlap_records: u32,
    /// Longest wait for an acknowledgement by the log, milliseconds. Default 30,000. Then the outcome is
    /// published again with the same `event_id`.
    pub publish_wait_ms_max: u64,
    /// Longest wait for the next record of a known range, milliseconds. Default 10,000. Then, if the log
    /// still answers, the rest of the range is taken to hold no records.
    pub read_wait_ms_max: u64,
    /// Pause before a retry after a failure of the log, milliseconds. Default 1,000.
    pub retry_pause_ms: u64,
    /// Longest wait for requests in flight at shutdown, milliseconds. Default 10,000. Requests without a
    /// response by then are repeated after the next start.
    pub drain_ms_max: u64,
    /// Largest record value that is decoded, bytes. Default 1 MiB. A larger one is ignored.
    pub value_bytes_max: usize,
    /// Secrets by name, for the sinks that refer to them. Meant for the environment:
    /// `DRIFTSEAL__NOTIFIER__SECRETS__PAGERDUTY` sets `pagerduty`. Names have no underscores.
    pub secrets: BTreeMap<String, Secret>,
    /// Receivers by name. Outcomes refer to the name: a renamed sink is a new receiver, which is
    /// notified of all alerts that are firing.
    pub sinks: BTreeMap<String, SinkConfig>,
}

/// Topics of the notifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topics {
    /// Alerts to read; outcomes are written to it too. Default `driftseal.alerts`.
    pub alerts: String,
    /// Acts of people, among them answers to alerts. Default `driftseal.governance`.
    pub governance: String,
    /// Read positions; a compacted topic. Default `driftseal.state`.
    pub state: String,
}

impl Topics {
    /// What the topics must be set to.
    #[must_use]
    pub fn demands(&self) -> Vec<Demand> {
        vec![
            Demand::written(&self.alerts, Purpose::Records),
            Demand::read(&self.governance, Purpose::Acts),
            Demand::written(&self.state, Purpose::State),
        ]
    }

    /// Checks that the topics are set, and as large, as they must be.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or what the log reports.
    pub fn check(&self, log: &dyn EventLog) -> Result<(), RoleError> {
        match_partitions(log, &self.alerts, &[&self.state])?;
        Ok(service::topics::check(log, &self.demands())?)
    }
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            alerts: "driftseal.alerts".to_owned(),
            governance: "driftseal.governance".to_owned(),
            state: "driftseal.state".to_owned(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            group: "driftseal-notifier".to_owned(),
            topics: Topics::default(),
            poll_wait_ms: 100,
            request_wait_ms_max: 15_000,
            requests_max: 4,
            attempts_max: 30,
            retry_ms: 1_000,
            retry_ms_max: 300_000,
            retry_after_secs_max: 3_600,
            age_secs_max: 3_600,
            dead_after_secs: 300,
            alerts_max: 10_000,
            queue_max: 1_000,
            position_secs_max: 30,
            overlap_records: 10_000,
            publish_wait_ms_max: 30_000,
            read_wait_ms_max: 10_000,
            retry_pause_ms: 1_000,
            drain_ms_max: 10_000,
            value_bytes_max: 1024 * 1024,
            secrets: BTreeMap::new(),
            sinks: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Everything that is wrong with the values, each with its key. No sink at all is valid here; the
    /// notifier itself then refuses to start.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut checks = Checks::new();
        checks.not_empty("group", &self.group);
        checks.at_least("request_wait_ms_max", self.request_wait_ms_max, 1);
        checks.within("requests_max", &self.requests_max, &(1..=64));
        checks.at_least("attempts_max", self.attempts_max, 1);
        let is_bounded = self.retry_ms <= self.retry_ms_max;
        checks.must(is_bounded, "retry_ms_max", "be at least `retry_ms`");
        checks.at_least("alerts_max", self.alerts_max, 1);
        checks.at_least("queue_max", self.queue_max, 1);
        for (name, sink) in &self.sinks {
            let section = format!("sinks.{name}");
            let rule = format_args!("be named with 1 to {NAME_MAX} of a-z, 0-9, `-` and `_`");
            checks.must(is_name(name), &section, rule);
            checks.below(&section, sink.problems());
        }
        checks.into_problems()
    }

    /// What is wrong with the secrets of the sinks, each with its key: they are read, and parsed as
    /// the receiver wants them. Apart from [`Config::problems`], because only the machine that runs
    /// the notifier has them.
    #[must_use]
    pub fn secret_problems(&self) -> Vec<String> {
        let opened = self.sinks.iter().map(|(name, sink)| {
            let secrets = Secrets { sink: name, named: &self.secrets };
            // A sink whose keys are wrong has its problem already.
            if sink.problems().is_empty() { sink.open(&secrets).map(drop) } else { Ok(()) }
        });
        opened.filter_map(Result::err).map(|error| error.to_string()).collect()
    }

    pub(crate) fn limits(&self) -> DeliveryLimits {
        DeliveryLimits {
            attempts_max: self.attempts_max,
            backoff_ms: self.retry_ms.into(),
            backoff_ms_max: self.retry_ms_max.into(),
            retry_after_ms_max: i64::from(self.retry_after_secs_max) * 1_000,
            age_ms_max: i64::from(self.age_secs_max) * 1_000,
            alerts_max: self.alerts_max,
            queue_max: self.queue_max,
        }
    }

    pub(crate) fn dead_after_ms(&self) -> i64 {
        i64::from(self.dead_after_secs) * 1_000
    }

    /// The sinks, in the order of their names.
    pub(crate) fn plans(&self) -> Vec<SinkPlan> {
        let plan = |(name, sink): (&String, &SinkConfig)| SinkPlan {
            name: name.as_str().into(),
            severities: sink.route().severities.clone(),
            environments: sink.route().environments.clone(),
            refresh_ms: sink.refresh_ms(),
            requests_max: self.requests_max,
        };
        self.sinks.iter().map(plan).collect()
    }

    pub(crate) const fn request_wait(&self) -> Duration {
        Duration::from_millis(self.request_wait_ms_max)
    }

    pub(crate) const fn publish_wait(&self) -> Duration {
        Duration::from_millis(self.publish_wait_ms_max)
    }

    pub(crate) const fn read_wait(&self) -> Duration {
        Duration::from_millis(self.read_wait_ms_max)
    }

    pub(crate) const fn retry_pause(&self) -> Duration {
        Duration::from_millis(self.retry_pause_ms)
    }
}

/// Names become metric labels and fields of events.
fn is_name(name: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problem_and_every_problem_is_named_at_once() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let wrong = "queue_max = 0\nretry_ms_max = 1\n[sinks.'On Call']\ntype = 'slack'\n";
        let config: Config = toml::from_str(wrong).unwrap();
        assert_eq!(
            config.problems(),
            [
                "`retry_ms_max`: must be at least `retry_ms`",
                "`queue_max`: must be at least 1",
                "`sinks.On Call`: must be named with 1 to 64 of a-z, 0-9, `-` and `_`",
                "`sinks.On Call.url_file`: must be set, or `url_name`",
            ]
        );
    }

    #[test]
    fn every_secret_that_cannot_be_used_is_named_without_its_text() {
        let text = "[secrets]\nhook = 'whsec_aHVudGVyMg=='\n\
             [sinks.a]\ntype = 'webhook'\nurl = 'http://x'\ntoken_name = 'hook'\n\
             [sinks.b]\ntype = 'pagerduty'\ntoken_file = '/nowhere'\n\
             [sinks.c]\ntype = 'slack'\nurl_name = 'chat'\n";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.problems(), Vec::<String>::new());
        let problems = config.secret_problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        for (problem, starts) in problems.iter().zip([
            "`notifier.sinks.a.token`: invalid secret: must be `whsec_` and 24 to 64 bytes",
            "`notifier.sinks.b.token_file`: failed to read the secret from `/nowhere`: ",
            "`notifier.sinks.c.url_name`: unknown secret `chat`; set the environment variable",
        ]) {
            assert!(problem.starts_with(starts), "{problem}");
            assert!(!problem.contains("aHVudGVyMg"), "{problem}");
        }
    }

    #[test]
    fn the_configuration_in_the_readme_is_one() {
        let text = include_str!("../README.md").split("```toml\n").nth(1).unwrap();
        let mut file: toml::Table = toml::from_str(text.split("```").next().unwrap()).unwrap();
        let config: Config = file.remove("notifier").unwrap().try_into().unwrap();
        assert_eq!((config.problems(), config.sinks.len()), (Vec::new(), 4));
    }

    #[test]
    fn no_text_of_a_configuration_shows_a_secret() {
        let mut config = Config::default();
        config.secrets.insert("pagerduty".into(), Secret::new("hunter2".into()));
        let shown = format!("{config:?}{}", toml::to_string_pretty(&config).unwrap());
        assert!(shown.contains("pagerduty") && !shown.contains("hunter2"), "{shown}");
    }
}
