//! Share of completed runs with status `error` among those with status `ok` or `error`, by their
//! names or aliases; a run with another status, or without one, is not counted.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::{Kind, failed};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.error_rate",
    version: 2,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "run.error_rate", model: Model::Failures, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Run).then(|| failed(event, column::run::STATUS).map(indicator)).flatten()
    },
};
