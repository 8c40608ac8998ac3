//! Share of completed runs whose status is `error`; runs without a status do not count.

use super::{Metric, Shape, indicator};
use crate::observe::{Kind, failed};

pub(super) const METRIC: Metric = Metric {
    name: "run.error_rate",
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    sample: |event, kind, columns| {
        (kind == Kind::Run).then(|| failed(event.text(columns.run_status)).map(indicator)).flatten()
    },
};
