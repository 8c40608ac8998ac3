//! Share of completed tool calls with status `error` among those with status `ok` or `error`, by
//! their names or aliases; a call that was denied, or has another status or none, is not counted.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::{Kind, failed};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "tool.error_rate",
    version: 2,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "tool.error_rate", model: Model::Failures, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Tool).then(|| failed(event, column::tool::STATUS).map(indicator)).flatten()
    },
};
