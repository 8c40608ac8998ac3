//! Share of tool calls that were blocked by a policy, or completed with status `denied`, among those
//! that were completed or blocked; a status that is not known counts for neither.

use super::definition::{Metric, Model, Shape, Watch, indicator};
use crate::kind::{Kind, value_of};
use event::column;

pub(super) const METRIC: Metric = Metric {
    name: "tool.denied_rate",
    version: 2,
    unit: "ratio",
    shape: Shape::Rate,
    per_suite: false,
    watch: Some(Watch { metric: "tool.denied_rate", model: Model::Failures, pages: false }),
    sample: |event, kind| match kind {
        Kind::Tool => match event.text(column::tool::STATUS) {
            None => Some(0.0),
            Some(_) => value_of(event, column::tool::STATUS).map(|it| indicator(it == "denied")),
        },
        Kind::ToolBlocked => Some(1.0),
        Kind::Run | Kind::Eval | Kind::Approval | Kind::Other => None,
        Kind::Deployed | Kind::RolledBack | Kind::Change => None,
        Kind::Tick | Kind::Started | Kind::Configured | Kind::Admitted | Kind::Suite => None,
        Kind::Schemas | Kind::Pinned | Kind::Unpinned | Kind::Mute(_) => None,
    },
};
