//! A risk, how it is judged and what is done about it.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, Time, TypedColumn, column};

/// When the acceptance ends.
pub const ACCEPTANCE_EXPIRES_AT: TypedColumn<Time> = column("risk.acceptance_expires_at");
/// Agent, corpus or system at risk.
pub const ASSET: TypedColumn<Text> = column("risk.asset");
/// Change that it was assessed for.
pub const CHANGE_ID: TypedColumn<Text> = column("risk.change_id");
/// Controls that treat it.
pub const CONTROLS: TypedColumn<Texts> = column("risk.controls");
/// Version of the criteria.
pub const CRITERIA_VERSION: TypedColumn<Text> = column("risk.criteria_version");
/// Identifier of the risk.
pub const ID: TypedColumn<Text> = column("risk.id");
/// Impact, 1 (negligible) to 5 (severe).
pub const IMPACT: TypedColumn<Int> = column("risk.impact");
/// Why.
pub const JUSTIFICATION: TypedColumn<Text> = column("risk.justification");
/// Likelihood, 1 (rare) to 5 (almost certain).
pub const LIKELIHOOD: TypedColumn<Int> = column("risk.likelihood");
/// Risk owner.
pub const OWNER: TypedColumn<Text> = column("risk.owner");
/// Score after treatment.
pub const RESIDUAL_SCORE: TypedColumn<Float> = column("risk.residual_score");
/// When it must be assessed again.
pub const REVIEW_DUE: TypedColumn<Time> = column("risk.review_due");
/// What could happen.
pub const SCENARIO: TypedColumn<Text> = column("risk.scenario");
/// Score by the criteria in force.
pub const SCORE: TypedColumn<Float> = column("risk.score");
/// Short description.
pub const TITLE: TypedColumn<Text> = column("risk.title");
/// Treatment: modify, retain, avoid, share.
pub const TREATMENT: TypedColumn<Text> = column("risk.treatment");
