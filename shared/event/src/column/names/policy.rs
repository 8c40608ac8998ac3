//! A policy that governs agents, its versions, and its decisions at run time.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Text, Texts, Time, TypedColumn, column};

/// Who approved it.
pub const APPROVER: TypedColumn<Text> = column("policy.approver");
/// Who wrote it.
pub const AUTHOR: TypedColumn<Text> = column("policy.author");
/// SHA-256 of the policy, hexadecimal.
pub const DIGEST: TypedColumn<Text> = column("policy.digest");
/// How long the decision took.
pub const DURATION_MS: TypedColumn<Float> = column("policy.duration_ms");
/// From when it is in force.
pub const EFFECTIVE_FROM: TypedColumn<Time> = column("policy.effective_from");
/// Digest of the engine that evaluated the rule.
pub const ENGINE_DIGEST: TypedColumn<Text> = column("policy.engine_digest");
/// Policy.
pub const ID: TypedColumn<Text> = column("policy.id");
/// Digest of what the rule was given.
pub const INPUTS_DIGEST: TypedColumn<Text> = column("policy.inputs_digest");
/// Decision: allow, deny, require_approval, observe.
pub const OUTCOME: TypedColumn<Text> = column("policy.outcome");
/// Who acknowledged it.
pub const PERSON: TypedColumn<Text> = column("policy.person");
/// Why.
pub const REASON: TypedColumn<Text> = column("policy.reason");
/// When it must be reviewed.
pub const REVIEW_DUE: TypedColumn<Time> = column("policy.review_due");
/// Risk tier of the action: unacceptable, high, limited, minimal.
pub const RISK_TIER: TypedColumn<Text> = column("policy.risk_tier");
/// Rule that decided.
pub const RULE_ID: TypedColumn<Text> = column("policy.rule_id");
/// Rules that changed since the version before.
pub const RULES_CHANGED: TypedColumn<Texts> = column("policy.rules_changed");
/// Title.
pub const TITLE: TypedColumn<Text> = column("policy.title");
/// Call it decided about.
pub const TOOL_CALL_ID: TypedColumn<Text> = column("policy.tool_call_id");
/// Version of the policy.
pub const VERSION: TypedColumn<Text> = column("policy.version");
