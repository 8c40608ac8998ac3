//! Settings of a single metric that override those of all metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric::{self, Model};

/// The kind of baseline of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BaselineKind {
    /// The observations of the previous version, frozen when the next one takes over. If they are
    /// too few (outside of alerts), those of the version before.
    #[default]
    Previous,
    /// A snapshot that stays across versions: the one that a `drift.baseline.pinned` event pinned,
    /// or else the first version with enough observations that was replaced by another.
    Pinned,
    /// The same hour of the week in the last four weeks, across versions: for metrics with a daily
    /// or weekly rhythm. The first test starts when there are observations a week old.
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

/// Settings of one metric; absent ones are those of all metrics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricSettings {
    /// Kind of baseline: `previous`, `pinned` or `rolling`.
    pub baseline: Option<BaselineKind>,
    /// As [`crate::Settings::tolerance`].
    pub tolerance: Option<f64>,
    /// As [`crate::Settings::effect_min`]; for rates.
    pub effect_min: Option<f64>,
    /// As [`crate::Settings::effect_relative_min`]; for sizes.
    pub effect_relative_min: Option<f64>,
    /// As [`crate::Settings::effect_mix_min`]; for mixes.
    pub effect_mix_min: Option<f64>,
    /// As [`crate::Settings::average_run_length`].
    pub average_run_length: Option<f64>,
    /// Whether a large change pages; otherwise it opens a ticket at most.
    pub pages: Option<bool>,
    /// Whether the metric is watched for drift; otherwise it only has windows.
    pub watched: Option<bool>,
}

/// All problems of the overrides: key and problem.
pub(crate) fn problems(
    metrics: &BTreeMap<String, MetricSettings>,
    can_be_set: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (name, own) in metrics {
        let mut check = |ok: bool, field: &str, problem: &str| {
            if !ok {
                let key = format!("metrics.\"{name}\"{field}");
                problems.push((key, problem.to_owned()));
            }
        };
        if !can_be_set(name) {
            let known: Vec<&str> = metric::watched_names().collect();
            let problem =
                format!("is not a watched metric; the watched metrics are {}", known.join(", "));
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
        check(
            !(is_mix && rolls),
            ".baseline",
            "must not be `rolling`, which is for rates and sizes only",
        );
        let within = own.effect_mix_min.is_none_or(|least| (0.0..=1.0).contains(&least));
        check(within, ".effect_mix_min", "must be from 0 to 1");
        let field = ".effect_relative_min";
        check(at_least(own.effect_relative_min, 0.0), field, "must not be negative");
        let field = ".average_run_length";
        check(at_least(own.average_run_length, 1.0), field, "must be at least 1");
    }
    problems
}
