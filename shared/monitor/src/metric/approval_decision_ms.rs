//! Time from the request of an approval to its decision.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "approval.decision_ms",
    version: 1,
    unit: "ms",
    shape: Shape::Quantiles,
    per_suite: false,
    watch: Some(Watch { metric: "approval.decision_ms", model: Model::Sizes, pages: false }),
    sample: |event, kind| {
        (kind == Kind::Approval)
            .then(|| event.number(column::approval::TIME_TO_DECISION_MS))
            .flatten()
    },
};
