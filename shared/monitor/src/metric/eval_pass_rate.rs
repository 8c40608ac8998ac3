//! Share of evaluation results that passed, per suite.

use super::{Metric, Shape, indicator};
use crate::observe::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "eval.pass_rate",
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: true,
    sample: |event, kind, columns| {
        (kind == Kind::Eval).then(|| event.bool(columns.eval_passed).map(indicator)).flatten()
    },
};
