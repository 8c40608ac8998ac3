//! Time that people take to decide an approval.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "approval.decision_ms",
    unit: "ms",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "approval.decision_ms", model: Model::Sizes, pages: false }),
    sample: |event, kind, columns| {
        (kind == Kind::Approval)
            .then(|| event.number(columns.approval_time_to_decision_ms))
            .flatten()
    },
};
