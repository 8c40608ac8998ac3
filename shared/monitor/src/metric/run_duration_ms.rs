//! Duration of completed runs.

use super::{Metric, Shape};
use crate::observe::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.duration_ms",
    unit: "ms",
    shape: Shape::Quantiles,
    per_suite: false,
    sample: |event, kind, columns| {
        (kind == Kind::Run).then(|| event.number(columns.run_duration_ms)).flatten()
    },
};
