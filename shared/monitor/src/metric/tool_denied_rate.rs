//! Share of tool calls that were blocked by a policy, among those that were completed or blocked.

use super::definition::{Metric, Model, Shape, Watch};
use crate::kind::Kind;

pub(super) const METRIC: Metric = Metric {
    name: "tool.denied_rate",
    version: 1,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "tool.denied_rate", model: Model::Failures, pages: false }),
    sample: |_, kind| match kind {
        Kind::Tool => Some(0.0),
        Kind::ToolBlocked => Some(1.0),
        Kind::Run | Kind::Eval | Kind::Approval | Kind::Other => None,
        Kind::Deployed | Kind::RolledBack | Kind::Change => None,
        Kind::Tick | Kind::Started | Kind::Configured | Kind::Suite => None,
        Kind::Pinned | Kind::Unpinned | Kind::Mute(_) => None,
    },
};
