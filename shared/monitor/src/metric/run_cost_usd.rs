//! Cost of completed runs.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "run.cost_usd",
    version: 1,
    unit: "usd",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.cost_usd", model: Model::Sizes, pages: false }),
    sample: |event, kind| {
        (kind == Kind::Run).then(|| event.number(column::run::COST_USD)).flatten()
    },
};
