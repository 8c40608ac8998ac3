//! Cost of completed runs.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.cost_usd",
    unit: "usd",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "run.cost_usd", model: Model::Sizes, pages: false }),
    sample: |event, kind, columns| {
        (kind == Kind::Run).then(|| event.number(columns.run_cost_usd)).flatten()
    },
};
