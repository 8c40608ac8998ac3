//! The effective settings of one metric: its own settings, or else those of all metrics.

use crate::metric::{Model, Watch};
use crate::metric_settings::{BaselineKind, MetricSettings};
use crate::settings::Settings;

/// Effective settings of one metric.
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
    /// Effective settings of a watched metric.
    pub(crate) fn policy(&self, watch: Watch) -> Policy {
        let mut policy = Policy::of(self, self.metrics.get(watch.metric), watch.pages);
        if watch.model == Model::Mix && policy.baseline == BaselineKind::Rolling {
            // The weeks before are kept for rates and sizes only.
            policy.baseline = BaselineKind::Previous;
        }
        policy
    }
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
    use crate::metric;

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
            (r#"{"run.eror_rate":{}}"#, "`metrics.\"run.eror_rate\"`: is not a watched metric"),
            (r#"{"run.eror_rate":{}}"#, "run.error_rate, run.duration_ms"),
            (r#"{"run.steps":{"tolerance":1.0}}"#, "`metrics.\"run.steps\".tolerance`: must be"),
            (r#"{"tool.mix":{"baseline":"rolling"}}"#, ".baseline`: must not be `rolling`"),
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
