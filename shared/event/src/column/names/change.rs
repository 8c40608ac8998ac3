//! A change of an agent or of what it depends on.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Time, TypedColumn, column};

/// Who approved it.
pub const APPROVER: TypedColumn<Text> = column("change.approver");
/// Who made it.
pub const AUTHOR: TypedColumn<Text> = column("change.author");
/// Why approval could not be awaited.
pub const EMERGENCY_REASON: TypedColumn<Text> = column("change.emergency_reason");
/// Evaluation that supports it.
pub const EVAL_RUN: TypedColumn<Text> = column("change.eval_run");
/// Version digest before.
pub const FROM_DIGEST: TypedColumn<Text> = column("change.from_digest");
/// Agent version before.
pub const FROM_VERSION: TypedColumn<Text> = column("change.from_version");
/// Identifier of the change.
pub const ID: TypedColumn<Text> = column("change.id");
/// Why.
pub const REASON: TypedColumn<Text> = column("change.reason");
/// When an emergency change must be reviewed.
pub const REVIEW_DUE: TypedColumn<Time> = column("change.review_due");
/// Identifier of the linked risk.
pub const RISK: TypedColumn<Text> = column("change.risk");
/// How it would be undone.
pub const ROLLBACK_PLAN: TypedColumn<Text> = column("change.rollback_plan");
/// Ticket in the customer's tracker.
pub const TICKET: TypedColumn<Text> = column("change.ticket");
/// Short description.
pub const TITLE: TypedColumn<Text> = column("change.title");
/// Version digest after.
pub const TO_DIGEST: TypedColumn<Text> = column("change.to_digest");
/// Agent version after.
pub const TO_VERSION: TypedColumn<Text> = column("change.to_version");
/// What changes: prompt, model, tool, corpus, policy, config, code.
pub const TYPE: TypedColumn<Text> = column("change.type");
