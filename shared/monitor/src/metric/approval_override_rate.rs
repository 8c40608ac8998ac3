//! Share of decided approvals that were modified or denied, by the names or aliases of outcomes.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::{Kind, value_of};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "approval.override_rate",
    version: 2,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "approval.override_rate", model: Model::Failures, pages: false }),
    sample: |event, kind| {
        if kind != Kind::Approval {
            return None;
        }
        match value_of(event, column::approval::OUTCOME) {
            Some("modified" | "denied") => Some(1.0),
            Some("approved") => Some(0.0),
            Some(_) | None => None,
        }
    },
};
