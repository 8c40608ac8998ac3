//! Duration of completed runs.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.duration_ms",
    version: 1,
    unit: "ms",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.duration_ms", model: Model::Sizes, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Run).then(|| event.number(column::run::DURATION_MS)).flatten()
    },
};
