//! Share of completed runs with status `error`; runs without a status are not counted.

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
