//! Share of completed runs in which the agent refused the task.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.refusal_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "run.refusal_rate", model: Model::Failures, pages: false }),
    sample: |event, kind| {
        (kind == Kind::Run).then(|| event.bool(column::run::REFUSED).map(indicator)).flatten()
    },
};
