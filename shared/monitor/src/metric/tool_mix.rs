//! The mix of tools, by completed calls.

use super::definition::{Metric, Model, Shape, Watch};
use event::column;

use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "tool.mix",
    version: 1,
    unit: "tools",
    shape: Shape::Shares { column: column::tool::NAME },
    per_suite: false,
    watch: Some(Watch { metric: "tool.mix", model: Model::Mix, pages: false }),
    sample: |_, kind| (kind == Kind::Tool).then_some(1.0),
};
