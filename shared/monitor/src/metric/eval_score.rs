//! Score of eval results, per suite.

use super::definition::{Metric, Shape};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "eval.score",
    version: 1,
    unit: "score",
    shape: Shape::Mean,
    per_suite: true,
    watch: None,
    sample: |event, kind| (kind == Kind::Eval).then(|| event.number(column::eval::SCORE)).flatten(),
};
