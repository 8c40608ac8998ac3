//! Share of completed runs that the agent refused.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.refusal_rate",
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "run.refusal_rate", model: Model::Failures, pages: false }),
    sample: |event, kind, columns| {
        (kind == Kind::Run).then(|| event.bool(columns.run_refused).map(indicator)).flatten()
    },
};
