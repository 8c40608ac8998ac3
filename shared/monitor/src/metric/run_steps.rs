//! Number of steps of completed runs.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.steps",
    version: 1,
    unit: "steps",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.steps", model: Model::Sizes, pages: false }),
    sample: |event, kind| (kind == Kind::Run).then(|| event.number(column::run::STEPS)).flatten(),
};
