//! Share of decided approvals that were modified or denied.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "approval.override_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "approval.override_rate", model: Model::Failures, pages: false }),
    sample: |event, kind| {
        if kind != Kind::Approval {
            return None;
        }
        match event.text(column::approval::OUTCOME) {
            Some("modified" | "denied") => Some(1.0),
            Some("approved") => Some(0.0),
            Some(_) | None => None,
        }
    },
};
