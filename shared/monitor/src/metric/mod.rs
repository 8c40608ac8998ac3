//! The metrics of a window. To add one: write its file and add its line to [`ALL`].
//!
//! An entry's place in the list is part of the snapshot format: append, and raise
//! [`crate::SEMANTICS`] when one is moved or changed.

mod aggregate;
mod eval_pass_rate;
mod eval_score;
mod run_cost_usd;
mod run_count;
mod run_duration_ms;
mod run_error_rate;
mod run_tokens;
mod tool_error_rate;

use event::Event;

pub(crate) use aggregate::Aggregate;

use crate::columns::Columns;
use crate::observe::Kind;

/// How observations become the numbers of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// How many there were: `count` and `value`.
    Count,
    /// Share of ones among zeros and ones: `value`, with Wilson's 95 % interval.
    Rate,
    /// Mean in `value`, with `p50` to `p99` of a DDSketch (1 % relative error).
    Quantiles,
    /// `sum`, with the mean in `value`.
    Total,
    /// Mean in `value`, with Student's 95 % interval.
    Mean,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in `metric.name`; never renamed.
    pub name: &'static str,
    /// Unit in `metric.unit`.
    pub unit: &'static str,
    /// How observations are aggregated.
    pub shape: Shape,
    /// Whether there is one for each evaluation suite.
    pub per_suite: bool,
    sample: fn(&Event<'_>, Kind, &Columns) -> Option<f64>,
}

impl Metric {
    /// What an event contributes, if it does. The number may be anything; the caller checks it.
    pub(crate) fn sample(&self, event: &Event<'_>, kind: Kind, columns: &Columns) -> Option<f64> {
        (self.sample)(event, kind, columns)
    }
}

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
];

/// Place of the error rate in [`ALL`], which alerts look at.
pub(crate) const RUN_ERROR_RATE: u8 = 1;
/// Place of the pass rate in [`ALL`], which alerts look at.
pub(crate) const EVAL_PASS_RATE: u8 = 6;

/// 0 or 1.
fn indicator(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_hold() {
        assert_eq!(ALL[usize::from(RUN_ERROR_RATE)].name, "run.error_rate");
        assert_eq!(ALL[usize::from(EVAL_PASS_RATE)].name, "eval.pass_rate");
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
