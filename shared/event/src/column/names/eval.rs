//! A judgement of a run, or of a version by a whole suite.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Int, Text, Texts, TypedColumn, column};

/// Cases in the data set.
pub const CASES: TypedColumn<Int> = column("eval.cases");
/// Task or category of the item, for stratified comparison.
pub const CATEGORY: TypedColumn<Text> = column("eval.category");
/// Confidence of each bound of the pass rate.
pub const CONFIDENCE: TypedColumn<Float> = column("eval.confidence");
/// Whether the data set holds personal data.
pub const CONTAINS_PII: TypedColumn<Bool> = column("eval.contains_pii");
/// Data set the items come from.
pub const DATASET: TypedColumn<Text> = column("eval.dataset");
/// Digest of the data set.
pub const DATASET_DIGEST: TypedColumn<Text> = column("eval.dataset_digest");
/// Suite document as RFC 8785 JSON; suite_digest is its SHA-256.
pub const DOCUMENT: TypedColumn<Text> = column("eval.document");
/// Digest of the evaluator.
pub const EVALUATOR_DIGEST: TypedColumn<Text> = column("eval.evaluator_digest");
/// Evaluator.
pub const EVALUATOR_ID: TypedColumn<Text> = column("eval.evaluator_id");
/// code, llm_judge or human.
pub const EVALUATOR_TYPE: TypedColumn<Text> = column("eval.evaluator_type");
/// Explanation.
pub const EXPLANATION: TypedColumn<Text> = column("eval.explanation");
/// Decision of the gate: pass, fail or undecided.
pub const GATE: TypedColumn<Text> = column("eval.gate");
/// Upper confidence bound of the pass rate.
pub const HIGH: TypedColumn<Float> = column("eval.high");
/// Item judged.
pub const ITEM: TypedColumn<Text> = column("eval.item");
/// Label.
pub const LABEL: TypedColumn<Text> = column("eval.label");
/// Digests of the data sets it was derived from.
pub const LINEAGE: TypedColumn<Texts> = column("eval.lineage");
/// Lower confidence bound of the pass rate.
pub const LOW: TypedColumn<Float> = column("eval.low");
/// Where the evaluation ran: offline, online.
pub const MODE: TypedColumn<Text> = column("eval.mode");
/// Name of the evaluation.
pub const NAME: TypedColumn<Text> = column("eval.name");
/// Events on which no check of the suite was applicable.
pub const NOT_APPLICABLE: TypedColumn<Int> = column("eval.not_applicable");
/// Pass rate that the gate requires.
pub const PASS_RATE_MIN: TypedColumn<Float> = column("eval.pass_rate_min");
/// Whether it passed.
pub const PASSED: TypedColumn<Bool> = column("eval.passed");
/// Results that passed.
pub const PASSES: TypedColumn<Int> = column("eval.passes");
/// Score.
pub const SCORE: TypedColumn<Float> = column("eval.score");
/// Suite.
pub const SUITE: TypedColumn<Text> = column("eval.suite");
/// Digest of the suite document.
pub const SUITE_DIGEST: TypedColumn<Text> = column("eval.suite_digest");
/// Threshold of the score.
pub const THRESHOLD: TypedColumn<Float> = column("eval.threshold");
/// Results in the suite.
pub const TRIALS: TypedColumn<Int> = column("eval.trials");
