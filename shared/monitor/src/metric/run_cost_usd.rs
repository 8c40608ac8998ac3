//! Cost of completed runs.

use super::{Metric, Shape};
use crate::observe::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.cost_usd",
    unit: "usd",
    shape: Shape::Total,
    per_suite: false,
    sample: |event, kind, columns| {
        (kind == Kind::Run).then(|| event.number(columns.run_cost_usd)).flatten()
    },
};
