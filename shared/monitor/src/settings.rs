//! Settings of the computation.
//!
//! Settings are part of the record: a `monitor.configured` event in a partition puts them in force
//! from its offset on, so a replay needs nothing but the archive. Before the first such event the
//! defaults are in force; changing a default therefore changes [`crate::SEMANTICS`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::dedup::EVENT_IDS_MAX;
use crate::metric;
use crate::metric_settings::{self, BaselineKind, MetricSettings};

/// Settings of the computation of one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How far the time of an event may lie behind the latest event time of the partition for the
    /// event to be on time. An event later than that revises its window within `retention_secs`.
    pub lateness_secs: u32,
    /// How long a closed window can be revised. An event later than that is counted (`too_late`)
    /// and seen by the drift detectors, but left out of windows. A key has about `(retention_secs +
    /// lateness_secs) / 60` panes in memory, and an aggregate each for earlier parts of the hour
    /// and the day.
    pub retention_secs: u32,
    /// How far an event time may be ahead of its broker timestamp. One further ahead is replaced by
    /// the broker timestamp and counted (`future_skew`).
    pub future_skew_secs_max: u32,
    /// How long a partition must be silent before ticks advance its watermark: event time is then
    /// assumed to advance with the broker's clock, this much behind.
    pub idle_timeout_secs: u32,
    /// Largest number of agent versions per partition. Beyond it a sixteenth of them is evicted,
    /// those of the agents without an event for longest: their open windows are closed at once,
    /// their open alerts are resolved, their baselines and detectors are lost, and they are counted
    /// (`keys_evicted`). An idle version takes about 1 KB of memory with a few runs and no baseline,
    /// and about 15 KB with all metrics tested.
    pub keys_max: u32,
    /// Largest number of environments of one agent. Beyond it the environment without an event for
    /// longest is evicted, with its versions. An event without an environment, such as a deployment,
    /// applies to all of them, so this also bounds what one event can cause.
    pub environments_per_agent_max: u16,
    /// Largest size of the state of all agents of a partition, bytes as saved: names of agents,
    /// versions, suites and tools, windows, baselines and detectors. Beyond it those of the agents
    /// without an event for longest are evicted, as under `keys_max`, until a sixteenth is free; an
    /// agent that takes more than a sixteenth of it alone is evicted itself. Default 512 MiB; the
    /// 2,048 agents used last take a few times their saved size, up to another eighth of this.
    pub state_bytes_max: u64,
    /// Largest number of versions of one agent in one environment. Beyond it the version without an
    /// event for longest is evicted, except the current one.
    pub versions_per_agent_max: u16,
    /// Largest number of eval suites of one key. Results of further suites are counted under
    /// `_other`, which has no detector.
    pub suites_per_key_max: u16,
    /// Number of event ids that are remembered per partition for deduplication; an event with a
    /// known id is ignored and counted (`duplicates`). A duplicate that arrives more than this many
    /// events later is not detected.
    pub event_ids_max: u32,
    /// Smallest number of observations of a baseline. With fewer, the stream has no detector, as
    /// `drift.baseline.set` reports.
    pub baseline_observations_min: u32,
    /// Tolerance of the null hypothesis: how far a rate may rise above its baseline, and how far
    /// the mean rank of sizes may lie from one half. The bound is at least the baseline's upper 95
    /// % confidence bound, whatever the tolerance.
    pub tolerance: f64,
    /// Smallest rise of a rate that fires an alert.
    pub effect_min: f64,
    /// Smallest change of a median that fires an alert, relative to the baseline's median.
    pub effect_relative_min: f64,
    /// Smallest change of a mix that fires an alert, as a Jensen-Shannon distance (base 2, from 0
    /// to 1). 0.1 corresponds to about ten of a hundred calls that go to another tool.
    pub effect_mix_min: f64,
    /// Largest probability that a canary that is no worse is *ever* reported as worse, per stream,
    /// however long it runs. A running canary keeps the value that it started with.
    pub canary_alpha: f64,
    /// Smallest number of observations for an alert to fire, and of each period that resolves one.
    pub observations_min: u32,
    /// Lower bound of the average number of observations of one stream until a false alarm.
    pub average_run_length: f64,
    /// Evidence required for an early ticket, as a share of that for a page: if the e-values of `k`
    /// streams all reach this share of their run lengths, divided by `k`, each of them gets a
    /// ticket (e-d-BH, `k` up to 16), given enough observations and effect. At 1 nothing changes
    /// for a stream that moves alone. Below 1, a single stream can get a ticket too, sooner but
    /// more often without cause: at 0.1 about one in six unchanged versions had one within 500
    /// runs. Intended for use with `false_pages_per_day_max`, which makes run lengths grow with the
    /// number of streams. 0, the default, disables early tickets.
    pub ticket_share: f64,
    /// Budget of false pages: the average number per day, over all streams together. 0 disables the
    /// budget, and every stream has its `average_run_length`. Otherwise a stream with `v`
    /// observations per day (in its baseline) gets a run length of `streams * v /
    /// false_pages_per_day_max` if that is longer, where `streams` is the number of tested streams
    /// in its partition, times `partitions`.
    pub false_pages_per_day_max: f64,
    /// Number of partitions that share the budget; set by the processor.
    pub partitions: u32,
    /// Event time without an event of an agent after which its silence fires an alert, in seconds;
    /// 0 disables it.
    pub silence_secs: u32,
    /// Largest number of unread records at a heartbeat of the monitor. More, at `lag_ticks_min`
    /// consecutive heartbeats, fire an alert (`monitor.lag`); ten times as many make it a page. 0
    /// disables it.
    pub lag_records_max: u32,
    /// Number of consecutive heartbeats that fire that alert, and that resolve it.
    pub lag_ticks_min: u32,
    /// Time between two heartbeats of the monitor beyond which a gap is reported (`monitor.gap`),
    /// in seconds; set it to several tick intervals. 0 disables it.
    pub monitor_gap_secs: u32,
    /// URL of the runbook in alerts; empty for none.
    pub runbook_url: String,
    /// Kind of baseline: `previous` (the previous version), `pinned` (a snapshot that stays: see
    /// `driftseal baseline pin`), or `rolling` (the same hour of the week in the last four weeks,
    /// for metrics with a daily rhythm). Best set for single metrics: `rolling` keeps up to 673
    /// hours per stream (about 10 KB for a rate, 100 KB for a size).
    pub baseline: BaselineKind,
    /// Overrides for single metrics, by their name in `drift.metric`: any of `baseline`,
    /// `tolerance`, `effect_min`, `effect_relative_min`, `effect_mix_min`, `average_run_length`,
    /// `pages` (false: at most a ticket) and `watched` (false: no detector). For example `baseline
    /// = "rolling"` in the table `[processor.monitor.metrics."run.duration_ms"]`.
    pub metrics: BTreeMap<String, MetricSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lateness_secs: 120,
            retention_secs: 3_600,
            future_skew_secs_max: 300,
            idle_timeout_secs: 60,
            keys_max: 100_000,
            environments_per_agent_max: 32,
            state_bytes_max: 512 * 1024 * 1024,
            versions_per_agent_max: 16,
            suites_per_key_max: 64,
            event_ids_max: 65_536,
            baseline_observations_min: 50,
            tolerance: 0.01,
            effect_min: 0.02,
            effect_relative_min: 0.1,
            effect_mix_min: 0.1,
            canary_alpha: 0.01,
            observations_min: 30,
            average_run_length: 20_000.0,
            ticket_share: 0.0,
            false_pages_per_day_max: 0.0,
            partitions: 1,
            silence_secs: 86_400,
            lag_records_max: 100_000,
            lag_ticks_min: 3,
            monitor_gap_secs: 600,
            runbook_url: String::new(),
            baseline: BaselineKind::default(),
            metrics: BTreeMap::new(),
        }
    }
}

/// Why a text does not contain valid settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsTextError {
    /// Not JSON, an unknown key, or a value of the wrong type.
    #[error("settings do not decode: {0}")]
    Text(String),
    /// An invalid setting.
    #[error(transparent)]
    Setting(#[from] SettingsError),
}

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{key}`: {problem}")]
pub struct SettingsError {
    /// The key.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Settings {
    /// Settings from JSON. Missing keys have their defaults.
    ///
    /// # Errors
    ///
    /// See [`SettingsTextError`]; of several problems the first.
    pub fn from_json(text: &str) -> Result<Self, SettingsTextError> {
        Self::from_record(text, metric::is_watched)
    }

    /// Settings of a `monitor.configured` event; `can_be_set` tells which metrics can have
    /// settings.
    pub(crate) fn from_record(
        text: &str,
        can_be_set: impl Fn(&str) -> bool,
    ) -> Result<Self, SettingsTextError> {
        // Through an object, because a list of values would be accepted as settings too.
        let settings: Self = serde_json::from_str::<serde_json::Map<_, _>>(text)
            .and_then(|object| serde_json::from_value(object.into()))
            .map_err(|error| SettingsTextError::Text(error.to_string()))?;
        match settings.problems_with(can_be_set).into_iter().next() {
            None => Ok(settings),
            Some(problem) => Err(problem.into()),
        }
    }

    /// All settings as JSON, with keys in the order of the fields: the content of a
    /// `monitor.configured` event.
    ///
    /// # Errors
    ///
    /// A number that is not finite has no JSON form. Valid settings have none.
    pub fn to_json(&self) -> Result<String, SettingsTextError> {
        serde_json::to_string(self).map_err(|error| SettingsTextError::Text(error.to_string()))
    }

    /// All problems, in the order of the fields.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingsError> {
        self.problems_with(metric::is_watched)
    }

    fn problems_with(&self, can_be_set: impl Fn(&str) -> bool) -> Vec<SettingsError> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, key: &str, problem: &str| {
            if !ok {
                let (key, problem) = (key.to_owned(), problem.to_owned());
                problems.push(SettingsError { key, problem });
            }
        };
        let day = 86_400;
        check(self.lateness_secs <= day, "lateness_secs", "must be at most a day");
        check(self.retention_secs <= day, "retention_secs", "must be at most a day");
        check(self.future_skew_secs_max <= day, "future_skew_secs_max", "must be at most a day");
        check(self.keys_max >= 1, "keys_max", "must be at least 1");
        check(
            self.environments_per_agent_max >= 1,
            "environments_per_agent_max",
            "must be at least 1",
        );
        check(self.state_bytes_max >= 1 << 20, "state_bytes_max", "must be at least 1,048,576");
        check(self.versions_per_agent_max >= 1, "versions_per_agent_max", "must be at least 1");
        check(
            self.event_ids_max <= EVENT_IDS_MAX,
            "event_ids_max",
            "must be at most 33,554,432 (half a gigabyte of memory)",
        );
        check(
            self.baseline_observations_min >= 1,
            "baseline_observations_min",
            "must be at least 1",
        );
        check((0.0..1.0).contains(&self.tolerance), "tolerance", "must be from 0 to below 1");
        check((0.0..1.0).contains(&self.effect_min), "effect_min", "must be from 0 to below 1");
        check(
            self.effect_relative_min.is_finite() && self.effect_relative_min >= 0.0,
            "effect_relative_min",
            "must not be negative",
        );
        check((0.0..=1.0).contains(&self.effect_mix_min), "effect_mix_min", "must be from 0 to 1");
        check(
            self.canary_alpha >= 1e-12 && self.canary_alpha < 1.0,
            "canary_alpha",
            "must be below 1 and at least 1e-12",
        );
        check(
            self.average_run_length.is_finite() && self.average_run_length >= 1.0,
            "average_run_length",
            "must be at least 1",
        );
        check((0.0..=1.0).contains(&self.ticket_share), "ticket_share", "must be from 0 to 1");
        check(
            self.false_pages_per_day_max.is_finite() && self.false_pages_per_day_max >= 0.0,
            "false_pages_per_day_max",
            "must not be negative",
        );
        check(self.partitions >= 1, "partitions", "must be at least 1");
        check(self.lag_ticks_min >= 1, "lag_ticks_min", "must be at least 1");
        let metrics = metric_settings::problems(&self.metrics, can_be_set);
        problems.extend(metrics.into_iter().map(|(key, problem)| SettingsError { key, problem }));
        problems
    }

    /// Run length of a stream, at least `least`: see `false_pages_per_day_max`. `streams` is the
    /// number of tested streams in the partition.
    ///
    /// A detector with run length `A` has at most `v / A` false alarms per day, so all of them
    /// together have at most the budget (union bound, whatever the dependence between streams).
    pub(crate) fn run_length(
        &self,
        least: f64,
        streams: u64,
        observations_per_day: Option<f64>,
    ) -> f64 {
        let Some(per_day) = observations_per_day.filter(|_| self.false_pages_per_day_max > 0.0)
        else {
            return least;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let streams = streams.max(1) as f64 * f64::from(self.partitions);
        (streams * per_day / self.false_pages_per_day_max).max(least)
    }

    /// Whether the evidence that a stream requires depends on other streams.
    pub(crate) fn shares_error_budget(&self) -> bool {
        self.false_pages_per_day_max > 0.0 || self.ticket_share > 0.0
    }

    pub(crate) fn micros(seconds: u32) -> i64 {
        i64::from(seconds) * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_text_and_nonsense_is_named() {
        let settings = Settings { tolerance: 0.1 + 0.2, keys_max: 7, ..Settings::default() };
        assert_eq!(Settings::from_json(&settings.to_json().unwrap()), Ok(settings));
        assert_eq!(Settings::from_json("{}"), Ok(Settings::default()));
        for (text, says) in [
            ("", "settings do not decode"),
            (r#"{"key_max":1}"#, "unknown field `key_max`"),
            (r#"{"keys_max":0}"#, "`keys_max`: must be at least 1"),
            (r#"{"average_run_length":0.5}"#, "`average_run_length`"),
        ] {
            let error = Settings::from_json(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_budget_is_shared_by_all_streams_and_never_shortens_a_run() {
        let settings =
            Settings { false_pages_per_day_max: 0.5, partitions: 4, ..Settings::default() };
        let lengths: Vec<f64> = (0..50)
            .map(|v| settings.run_length(20_000.0, 50, Some(100.0 * f64::from(v))))
            .collect();
        // False alarms a day of the 50 streams of each of the 4 partitions.
        let total: f64 = 4.0
            * (0..50)
                .map(|v| 100.0 * f64::from(v))
                .zip(&lengths)
                .map(|(per_day, length)| per_day / length)
                .sum::<f64>();
        assert!(total <= 0.5 + 1e-9 && total > 0.4, "{total}");
        assert!(lengths.iter().all(|length| *length >= settings.average_run_length));
        assert!((Settings::default().run_length(2e4, 9, Some(1e9)) - 2e4).abs() < 1e-9);
        assert!((settings.run_length(2e4, 1, None) - 2e4).abs() < 1e-9);
    }

    #[test]
    fn the_defaults_have_no_problems_and_all_problems_are_named() {
        assert_eq!(Settings::default().problems(), []);
        let wrong = Settings { keys_max: 0, effect_min: f64::NAN, ..Settings::default() };
        let keys: Vec<_> = wrong.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["keys_max", "effect_min"]);
    }
}
