//! Completed runs.

use super::definition::{Metric, Shape};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "run.count",
    version: 1,
    unit: "runs",
    shape: Shape::Count,
    per_suite: false,
    watch: None,
    sample: |_, kind| (kind == Kind::Run).then_some(1.0),
};
