//! A human decision about an action.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Text, Texts, Time, TypedColumn, column};

/// Digest of the action the request is bound to.
pub const ACTION_DIGEST: TypedColumn<Text> = column("approval.action_digest");
/// How the approver was authenticated: oidc, mtls, sasl, token, none.
pub const APPROVER_AUTHN: TypedColumn<Text> = column("approval.approver_authn");
/// Who decided.
pub const APPROVER_ID: TypedColumn<Text> = column("approval.approver_id");
/// Where the authority comes from.
pub const AUTHORITY: TypedColumn<Text> = column("approval.authority");
/// Digest of what the person was shown.
pub const CONTEXT_DIGEST: TypedColumn<Text> = column("approval.context_digest");
/// When it was decided.
pub const DECIDED_AT: TypedColumn<Time> = column("approval.decided_at");
/// Who may decide.
pub const ELIGIBLE_APPROVERS: TypedColumn<Texts> = column("approval.eligible_approvers");
/// Who the request was handed to when it was not decided in time.
pub const ESCALATED_TO: TypedColumn<Text> = column("approval.escalated_to");
/// When the request expires.
pub const EXPIRES_AT: TypedColumn<Time> = column("approval.expires_at");
/// Digest after modification.
pub const FINAL_ACTION_DIGEST: TypedColumn<Text> = column("approval.final_action_digest");
/// Identifier of the approval.
pub const ID: TypedColumn<Text> = column("approval.id");
/// Why.
pub const JUSTIFICATION: TypedColumn<Text> = column("approval.justification");
/// Whether the executed action is the approved one.
pub const MATCHED: TypedColumn<Bool> = column("approval.matched");
/// Random text that makes the request unique.
pub const NONCE: TypedColumn<Text> = column("approval.nonce");
/// Operation that is asked for.
pub const OPERATION: TypedColumn<Text> = column("approval.operation");
/// Digest before modification.
pub const ORIGINAL_ACTION_DIGEST: TypedColumn<Text> = column("approval.original_action_digest");
/// Decision: approved, modified, denied, expired, withdrawn.
pub const OUTCOME: TypedColumn<Text> = column("approval.outcome");
/// Risk tier of the action: unacceptable, high, limited, minimal.
pub const RISK_TIER: TypedColumn<Text> = column("approval.risk_tier");
/// Resource that the operation acts on.
pub const TARGET: TypedColumn<Text> = column("approval.target");
/// Time from request to decision.
pub const TIME_TO_DECISION_MS: TypedColumn<Float> = column("approval.time_to_decision_ms");
/// Call that used the approval.
pub const TOOL_CALL_ID: TypedColumn<Text> = column("approval.tool_call_id");
/// Record that shows the approver is trained.
pub const TRAINING_REF: TypedColumn<Text> = column("approval.training_ref");
