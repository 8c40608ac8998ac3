//! What holds for one metric: the settings, and what is set for that metric alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric::{self, Model, Watch};
use crate::settings::{Settings, SettingsError};

/// What the observations of a metric are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BaselineKind {
    /// What the version before has shown, frozen when the next one takes over. Of a version with
    /// too few observations (outside of alerts), the one before that.
    #[default]
    Previous,
    /// A snapshot that stays across versions: what a `drift.baseline.pinned` event has pinned, or
    /// else the first version with enough observations that another one took over from.
    Pinned,
    /// The same hour of the week in the last four weeks, across versions: for metrics with a daily
    /// or weekly rhythm. The first test begins when there are observations a week old.
    Rolling,
}

impl BaselineKind {
    /// Its name in settings and in `drift.baseline_kind`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::Pinned => "pinned",
            Self::Rolling => "rolling",
        }
    }
}

/// What is set for one metric alone; what is absent is as for all metrics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricSettings {
    /// What it is compared with: `previous`, `pinned` or `rolling`.
    pub baseline: Option<BaselineKind>,
    /// As [`Settings::tolerance`].
    pub tolerance: Option<f64>,
    /// As [`Settings::effect_min`]; for rates.
    pub effect_min: Option<f64>,
    /// As [`Settings::effect_relative_min`]; for sizes.
    pub effect_relative_min: Option<f64>,
    /// As [`Settings::effect_mix_min`]; for mixes.
    pub effect_mix_min: Option<f64>,
    /// As [`Settings::average_run_length`].
    pub average_run_length: Option<f64>,
    /// Whether a large change pages; else it makes a ticket at most.
    pub pages: Option<bool>,
    /// Whether there is a detector. Without one the metric has windows only.
    pub watched: Option<bool>,
}

/// What holds for one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Policy {
    pub(crate) baseline: BaselineKind,
    pub(crate) watched: bool,
    pub(crate) pages: bool,
    pub(crate) baseline_observations_min: u32,
    pub(crate) observations_min: u32,
    pub(crate) tolerance: f64,
    pub(crate) effect_min: f64,
    pub(crate) effect_relative_min: f64,
    pub(crate) effect_mix_min: f64,
    pub(crate) average_run_length: f64,
}

impl Policy {
    fn of(settings: &Settings, own: Option<&MetricSettings>, pages: bool) -> Self {
        let own_or = |own: Option<f64>, all: f64| own.unwrap_or(all);
        let of = |field: fn(&MetricSettings) -> Option<f64>| own.and_then(field);
        Self {
            baseline: own.and_then(|own| own.baseline).unwrap_or(settings.baseline),
            watched: own.and_then(|own| own.watched).unwrap_or(true),
            pages: own.and_then(|own| own.pages).unwrap_or(pages),
            baseline_observations_min: settings.baseline_observations_min,
            observations_min: settings.observations_min,
            tolerance: own_or(of(|own| own.tolerance), settings.tolerance),
            effect_min: own_or(of(|own| own.effect_min), settings.effect_min),
            effect_relative_min: own_or(
                of(|own| own.effect_relative_min),
                settings.effect_relative_min,
            ),
            effect_mix_min: own_or(of(|own| own.effect_mix_min), settings.effect_mix_min),
            average_run_length: own_or(
                of(|own| own.average_run_length),
                settings.average_run_length,
            ),
        }
    }
}

impl Settings {
    /// What holds for a metric that is watched so.
    pub(crate) fn policy(&self, watch: Watch) -> Policy {
        let mut policy = Policy::of(self, self.metrics.get(watch.metric), watch.pages);
        if watch.model == Model::Mix && policy.baseline == BaselineKind::Rolling {
            // Hours of a week are kept of rates and sizes only.
            policy.baseline = BaselineKind::Previous;
        }
        policy
    }
}

/// Whether a metric of that name is watched.
pub(crate) fn is_watched(name: &str) -> bool {
    watched_names().any(|known| known == name)
}

fn watched_names() -> impl Iterator<Item = &'static str> {
    metric::ALL.iter().filter_map(|metric| metric.watch).map(|watch| watch.metric)
}

/// Everything that is wrong with the overrides.
pub(crate) fn problems(metrics: &BTreeMap<String, MetricSettings>) -> Vec<SettingsError> {
    let mut problems = Vec::new();
    for (name, own) in metrics {
        let mut check = |ok: bool, field: &str, problem: &str| {
            if !ok {
                let key = format!("metrics.\"{name}\"{field}");
                problems.push(SettingsError { key, problem: problem.to_owned() });
            }
        };
        if !is_watched(name) {
            let known: Vec<&str> = watched_names().collect();
            let problem =
                format!("is not a metric that is watched; those are {}", known.join(", "));
            check(false, "", &problem);
        }
        let below_one = |value: Option<f64>| value.is_none_or(|v| (0.0..1.0).contains(&v));
        check(below_one(own.tolerance), ".tolerance", "must be from 0 to below 1");
        check(below_one(own.effect_min), ".effect_min", "must be from 0 to below 1");
        let at_least = |value: Option<f64>, least: f64| {
            value.is_none_or(|value| value.is_finite() && value >= least)
        };
        let is_mix = metric::ALL
            .iter()
            .filter_map(|metric| metric.watch)
            .any(|watch| watch.metric == name && watch.model == Model::Mix);
        let rolls = own.baseline == Some(BaselineKind::Rolling);
        check(!(is_mix && rolls), ".baseline", "must not be rolling: that is for rates and sizes");
        let within = own.effect_mix_min.is_none_or(|least| (0.0..=1.0).contains(&least));
        check(within, ".effect_mix_min", "must be from 0 to 1");
        let field = ".effect_relative_min";
        check(at_least(own.effect_relative_min, 0.0), field, "must not be negative");
        let field = ".average_run_length";
        check(at_least(own.average_run_length, 1.0), field, "must be at least 1");
    }
    problems
}

#[cfg(test)]
impl Default for Policy {
    fn default() -> Self {
        Self::of(&Settings::default(), None, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_for_a_metric_wins_and_the_rest_is_as_for_all() {
        let text = r#"{"tolerance":0.02,"metrics":{"run.error_rate":
            {"baseline":"rolling","effect_min":0.05,"pages":false}}}"#;
        let settings = Settings::from_json(text).unwrap();
        assert_eq!(Settings::from_json(&settings.to_json().unwrap()).as_ref(), Ok(&settings));
        let policy = |name: &str| {
            let watch = metric::ALL.iter().filter_map(|metric| metric.watch);
            settings.policy(watch.into_iter().find(|watch| watch.metric == name).unwrap())
        };
        let own = policy("run.error_rate");
        assert_eq!((own.baseline, own.pages, own.watched), (BaselineKind::Rolling, false, true));
        assert!((own.effect_min - 0.05).abs() < 1e-12 && (own.tolerance - 0.02).abs() < 1e-12);
        let other = policy("tool.error_rate");
        assert_eq!((other.baseline, other.pages), (BaselineKind::Previous, true));
        assert!((other.effect_min - 0.02).abs() < 1e-12);
    }

    #[test]
    fn unknown_metrics_and_nonsense_are_named() {
        for (text, says) in [
            (r#"{"run.eror_rate":{}}"#, "`metrics.\"run.eror_rate\"`: is not a metric"),
            (r#"{"run.eror_rate":{}}"#, "run.error_rate, run.duration_ms"),
            (r#"{"run.steps":{"tolerance":1.0}}"#, "`metrics.\"run.steps\".tolerance`: must be"),
            (r#"{"tool.mix":{"baseline":"rolling"}}"#, ".baseline`: must not be rolling"),
            (r#"{"run.steps":{"effect_relative_min":-1}}"#, ".effect_relative_min`: must not"),
            (r#"{"run.steps":{"average_run_length":0}}"#, ".average_run_length`: must be at least"),
            (r#"{"run.steps":{"baseline":"weekly"}}"#, "unknown variant `weekly`"),
            (r#"{"run.steps":{"effectmin":1}}"#, "unknown field `effectmin`"),
        ] {
            let error = Settings::from_json(&format!(r#"{{"metrics":{text}}}"#)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
