//! Share of completed runs whose status is `error`; runs without a status do not count.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::{Kind, failed};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.error_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "run.error_rate", model: Model::Failures, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Run)
            .then(|| failed(event.text(column::run::STATUS)).map(indicator))
            .flatten()
    },
};
