//! The list of metrics.

use super::definition::{Metric, Watch};

/// Place of the pass rate in [`ALL`]; verdicts of suites contribute to it too.
pub(crate) const EVAL_PASS_RATE: u8 = 6;
/// Place of the score in [`ALL`].
pub(crate) const EVAL_SCORE: u8 = 7;

/// All metrics.
pub const ALL: &[Metric] = &[
    super::run_count::METRIC,
    super::run_error_rate::METRIC,
    super::run_duration_ms::METRIC,
    super::run_tokens::METRIC,
    super::run_cost_usd::METRIC,
    super::tool_error_rate::METRIC,
    super::eval_pass_rate::METRIC,
    super::eval_score::METRIC,
    super::run_refusal_rate::METRIC,
    super::run_output_chars::METRIC,
    super::run_steps::METRIC,
    super::tool_duration_ms::METRIC,
    super::tool_denied_rate::METRIC,
    super::approval_override_rate::METRIC,
    super::approval_decision_ms::METRIC,
    super::tool_mix::METRIC,
];

/// Largest number of metrics.
pub(crate) const METRICS_MAX: usize = 63;

/// A set of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MetricSet(u64);

impl MetricSet {
    /// The metrics for which `is_in` is true.
    pub(crate) fn of(is_in: impl Fn(&Metric) -> bool) -> Self {
        let places = (0_u8..).zip(ALL).filter(|(_, metric)| is_in(metric));
        Self(places.fold(0, |set, (place, _)| set | 1 << place))
    }

    /// Whether the metric at a place is in the set.
    pub(crate) const fn contains(self, place: u8) -> bool {
        self.0 >> place & 1 == 1
    }

    /// Whether a metric of that name (in `drift.metric`) is in the set, and watched.
    pub(crate) fn is_watched(self, name: &str) -> bool {
        place_of(name).is_some_and(|place| self.contains(place) && watch_at(place).is_some())
    }

    /// The metrics that are in this set and not in another.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The metric at a place.
pub(crate) fn at(place: u8) -> &'static Metric {
    let Some(metric) = ALL.get(usize::from(place)) else {
        unreachable!("no metric has place {place}")
    };
    metric
}

/// Place of the metric with that name in `drift.metric`.
pub(crate) fn place_of(watched: &str) -> Option<u8> {
    let is_it = |metric: &Metric| metric.watch.is_some_and(|watch| watch.metric == watched);
    (0_u8..).zip(ALL).find(|(_, metric)| is_it(metric)).map(|(place, _)| place)
}

/// How the metric with that name in `drift.metric` is watched.
pub(crate) fn watched(watched: &str) -> Option<Watch> {
    place_of(watched).and_then(watch_at)
}

/// Name in `metric.name` of the metric with that name in `drift.metric`; the same for unknown
/// metrics.
pub(crate) fn name_of(watched: &str) -> &str {
    place_of(watched).map_or(watched, |place| at(place).name)
}

/// How the metric at a place is watched, if it is.
pub(crate) fn watch_at(place: u8) -> Option<Watch> {
    at(place).watch
}

/// Whether the metric at a place has a stream per suite.
pub(crate) fn is_per_suite(place: u8) -> bool {
    at(place).per_suite
}

/// Whether any metric of that name (in `drift.metric`) is watched.
pub(crate) fn is_watched(name: &str) -> bool {
    watched_names().any(|known| known == name)
}

/// Names (in `drift.metric`) of the metrics that are watched.
pub(crate) fn watched_names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter_map(|metric| metric.watch).map(|watch| watch.metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Model, Shape};

    #[test]
    fn names_are_distinct_and_sizes_have_sketches() {
        assert_eq!(ALL[usize::from(EVAL_PASS_RATE)].name, "eval.pass_rate");
        assert_eq!(ALL[usize::from(EVAL_SCORE)].name, "eval.score");
        for metric in ALL {
            if metric.watch.is_some_and(|watch| watch.model == Model::Sizes) {
                assert_eq!(metric.shape, Shape::Quantiles, "{}", metric.name);
            }
            if let Shape::Shares { column } = metric.shape {
                // What decides something must be known to the replay.
                assert!(crate::columns::reads(column.id()), "{column:?} is not in columns.rs");
            }
        }
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.len() <= METRICS_MAX);
        // A release that does not have a metric knows the alerts about it by its name.
        let watched = ALL.iter().filter_map(|metric| Some((metric.name, metric.watch?.metric)));
        let renamed: Vec<_> = watched.filter(|(name, watched)| name != watched).collect();
        assert_eq!(renamed, [("eval.pass_rate", "eval.fail_rate")], "no further one");
    }

    /// Adding a metric is one file and one line: outside its file, its module is named by the `mod`
    /// line that Rust asks for and by its line in the list.
    #[test]
    fn a_metric_is_one_file_and_one_line() {
        let modules = include_str!("../metric.rs");
        let here = include_str!("registry.rs");
        let own = ["aggregate", "definition", "registry", "shares"];
        let declared = modules.lines().filter_map(|line| line.strip_prefix("mod "));
        let declared = declared.map(|line| line.trim_end_matches(';'));
        let metrics: Vec<&str> = declared.filter(|module| !own.contains(module)).collect();
        assert_eq!(metrics.len(), ALL.len());
        for module in metrics {
            let words = |text: &str| {
                let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.filter(|word| *word == module).count()
            };
            assert_eq!(words(modules), 1, "{module} is named elsewhere in metric.rs");
            let listed = here.matches(&format!("\n    super::{module}::METRIC,\n")).count();
            assert_eq!((words(here), listed), (1, 1), "{module}: its line in the list");
        }
    }
}
