//! What the event refers to.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, TypedColumn, column};

/// Approval id.
pub const APPROVAL: TypedColumn<Text> = column("links.approval");
/// Event that caused this one.
pub const CAUSATION: TypedColumn<Text> = column("links.causation");
/// Change id.
pub const CHANGE: TypedColumn<Text> = column("links.change");
/// Incident id.
pub const INCIDENT: TypedColumn<Text> = column("links.incident");
/// Policy in force.
pub const POLICY_VERSION: TypedColumn<Text> = column("links.policy_version");
/// Risk id.
pub const RISK: TypedColumn<Text> = column("links.risk");
/// Evaluation suite.
pub const SUITE: TypedColumn<Text> = column("links.suite");
