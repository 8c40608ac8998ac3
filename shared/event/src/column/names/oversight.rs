//! People in control: interventions, reviews, drills and qualified reviewers.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Text, Time, TypedColumn, column};

/// State or output after.
pub const AFTER: TypedColumn<Text> = column("oversight.after");
/// State or output before.
pub const BEFORE: TypedColumn<Text> = column("oversight.before");
/// Digest of the course behind a qualification.
pub const COURSE_DIGEST: TypedColumn<Text> = column("oversight.course_digest");
/// When it took effect.
pub const EFFECT_CONFIRMED_AT: TypedColumn<Time> = column("oversight.effect_confirmed_at");
/// Identifier of the intervention, review or drill.
pub const ID: TypedColumn<Text> = column("oversight.id");
/// Why.
pub const REASON: TypedColumn<Text> = column("oversight.reason");
/// When it was asked for.
pub const REQUESTED_AT: TypedColumn<Time> = column("oversight.requested_at");
/// Result of a drill: passed, failed.
pub const RESULT: TypedColumn<Text> = column("oversight.result");
/// Who reviewed, or was qualified.
pub const REVIEWER: TypedColumn<Text> = column("oversight.reviewer");
/// Seed by which the run was sampled.
pub const SAMPLE_SEED: TypedColumn<Text> = column("oversight.sample_seed");
/// What the drill exercised.
pub const SCENARIO: TypedColumn<Text> = column("oversight.scenario");
/// Time the reviewer spent.
pub const SECONDS_SPENT: TypedColumn<Float> = column("oversight.seconds_spent");
/// Identifier of the target.
pub const TARGET: TypedColumn<Text> = column("oversight.target");
/// What it acts on: run, agent, version, tool.
pub const TARGET_TYPE: TypedColumn<Text> = column("oversight.target_type");
/// Time from request to effect.
pub const TIME_TO_EFFECT_MS: TypedColumn<Float> = column("oversight.time_to_effect_ms");
/// Intervention: override, pause, resume, stop, modify, rollback, kill_switch, takeover.
pub const TYPE: TypedColumn<Text> = column("oversight.type");
/// When a qualification ends.
pub const VALID_UNTIL: TypedColumn<Time> = column("oversight.valid_until");
/// Outcome of a review: agree, disagree, escalate.
pub const VERDICT: TypedColumn<Text> = column("oversight.verdict");
