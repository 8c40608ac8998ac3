//! The metrics of a window. To add one: write its file and add its line to [`ALL`].
//!
//! An entry's place in the list is part of the snapshot format: append, and raise
//! [`crate::SEMANTICS`] when one is moved or changed.

mod aggregate;
mod approval_decision_ms;
mod approval_override_rate;
mod eval_pass_rate;
mod eval_score;
mod run_cost_usd;
mod run_count;
mod run_duration_ms;
mod run_error_rate;
mod run_output_chars;
mod run_refusal_rate;
mod run_steps;
mod run_tokens;
mod shares;
mod tool_denied_rate;
mod tool_duration_ms;
mod tool_error_rate;
mod tool_mix;

use std::borrow::Cow;

use event::{Event, schema};

pub(crate) use aggregate::Aggregate;
pub(crate) use shares::{OTHER, Shares};

use crate::agent::bounded;

use crate::columns::Columns;
use crate::observe::Kind;

/// How observations become the numbers of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// How many there were: `count` and `value`.
    Count,
    /// Share of ones among zeros and ones: `value`, with Wilson's 95 % interval.
    Rate,
    /// `sum`, and the mean in `value`, with `p50` to `p99` of a DDSketch (1 % relative error).
    Quantiles,
    /// Mean in `value`, with Student's 95 % interval.
    Mean,
    /// How often each category occurred, in `categories`, and in `value` how many there were.
    Shares {
        /// Path of the column that names the category.
        column: &'static str,
    },
}

/// What the observations of a stream are, and what counts as a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Zeros and ones of which 1 is the worse: more of them than in the baseline.
    Failures,
    /// Zeros and ones of which 0 is the worse: more of them than in the baseline.
    Successes,
    /// Numbers that are not negative: larger or smaller than in the baseline.
    Sizes,
    /// Categories: in other shares than in the baseline.
    Mix,
}

/// What an event contributes to a metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample<'e> {
    /// A number, which may be anything.
    Number(f64),
    /// A category.
    Name(Cow<'e, str>),
}

/// How a metric is watched for drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Name in `drift.metric`; never renamed.
    pub metric: &'static str,
    /// What its observations are.
    pub model: Model,
    /// Whether a large change pages; else it makes a ticket at most.
    pub pages: bool,
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
    /// How its observations are watched for drift, if they are.
    pub watch: Option<Watch>,
    sample: fn(&Event<'_>, Kind, &Columns) -> Option<f64>,
}

impl Metric {
    /// What an event contributes, if it does. The number may be anything; the caller checks it.
    pub(crate) fn sample<'e>(
        &self,
        event: &'e Event<'_>,
        kind: Kind,
        columns: &Columns,
    ) -> Option<Sample<'e>> {
        let number = (self.sample)(event, kind, columns)?;
        match self.shape {
            Shape::Count | Shape::Rate | Shape::Quantiles | Shape::Mean => {
                Some(Sample::Number(number))
            }
            Shape::Shares { column } => {
                let name = schema().id(column).and_then(|column| event.text(column));
                Some(Sample::Name(bounded(name.filter(|name| !name.is_empty())?)))
            }
        }
    }
}

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

/// 0 or 1.
fn indicator(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let id = schema().id(column).unwrap();
                assert!(crate::columns::reads(id), "{column} is not in columns.rs");
            }
        }
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
