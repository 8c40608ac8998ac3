//! Share of completed tool calls with status `error`.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::{Kind, failed};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "tool.error_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "tool.error_rate", model: Model::Failures, pages: true }),
    sample: |event, kind| {
        (kind == Kind::Tool)
            .then(|| failed(event.text(column::tool::STATUS)).map(indicator))
            .flatten()
    },
};
