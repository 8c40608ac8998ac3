//! Duration of tool calls.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "tool.duration_ms",
    version: 1,
    unit: "ms",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "tool.duration_ms", model: Model::Sizes, pages: false }),
    sample: |event, kind| {
        (kind == Kind::Tool).then(|| event.number(column::tool::DURATION_MS)).flatten()
    },
};
