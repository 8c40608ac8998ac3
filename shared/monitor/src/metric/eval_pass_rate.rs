//! Share of evaluation results that passed, per suite.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "eval.pass_rate",
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: true,
    watch: Some(Watch { metric: "eval.fail_rate", model: Model::Successes, pages: true }),
    sample: |event, kind, columns| {
        (kind == Kind::Eval).then(|| event.bool(columns.eval_passed).map(indicator)).flatten()
    },
};
