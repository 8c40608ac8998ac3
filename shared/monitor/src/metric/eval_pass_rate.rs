//! Share of eval results that passed, per suite.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "eval.pass_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: true,
    watch: Some(Watch { metric: "eval.fail_rate", model: Model::Successes, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Eval).then(|| event.bool(column::eval::PASSED).map(indicator)).flatten()
    },
};
