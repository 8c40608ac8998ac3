//! The list of metrics.

use super::definition::{Metric, Watch};
use super::{
    approval_decision_ms, approval_override_rate, eval_pass_rate, eval_score, run_cost_usd,
    run_count, run_duration_ms, run_error_rate, run_output_chars, run_refusal_rate, run_steps,
    run_tokens, tool_denied_rate, tool_duration_ms, tool_error_rate, tool_mix,
};

/// Place of the pass rate in [`ALL`], which verdicts of suites fill too.
pub(crate) const EVAL_PASS_RATE: u8 = 6;
/// Place of the score in [`ALL`].
pub(crate) const EVAL_SCORE: u8 = 7;

/// All metrics.
pub const ALL: &[Metric] = &[
    run_count::METRIC,
    run_error_rate::METRIC,
    run_duration_ms::METRIC,
    run_tokens::METRIC,
    run_cost_usd::METRIC,
    tool_error_rate::METRIC,
    eval_pass_rate::METRIC,
    eval_score::METRIC,
    run_refusal_rate::METRIC,
    run_output_chars::METRIC,
    run_steps::METRIC,
    tool_duration_ms::METRIC,
    tool_denied_rate::METRIC,
    approval_override_rate::METRIC,
    approval_decision_ms::METRIC,
    tool_mix::METRIC,
];

/// How the metric at a place is watched, if it is.
pub(crate) fn watch_at(place: u8) -> Option<Watch> {
    ALL.get(usize::from(place)).and_then(|metric| metric.watch)
}

/// Whether the metric at a place has a stream for each suite.
pub(crate) fn is_per_suite(place: u8) -> bool {
    ALL.get(usize::from(place)).is_some_and(|metric| metric.per_suite)
}

/// Whether a metric of that name is watched.
pub(crate) fn is_watched(name: &str) -> bool {
    watched_names().any(|known| known == name)
}

/// Names of the metrics that are watched.
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
    }
}
