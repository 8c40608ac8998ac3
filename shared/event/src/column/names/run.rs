//! One run of an agent.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Int, Text, TypedColumn, column};

/// Cost in US dollars.
pub const COST_USD: TypedColumn<Float> = column("run.cost_usd");
/// Duration in milliseconds.
pub const DURATION_MS: TypedColumn<Float> = column("run.duration_ms");
/// Class of the error.
pub const ERROR_TYPE: TypedColumn<Text> = column("run.error_type");
/// Agent or person that the run was handed over to.
pub const HANDED_OVER_TO: TypedColumn<Text> = column("run.handed_over_to");
/// Who or what started the run: human, agent, schedule, event.
pub const INITIATOR: TypedColumn<Text> = column("run.initiator");
/// Input text.
pub const INPUT: TypedColumn<Text> = column("run.input");
/// Digest of the input.
pub const INPUT_DIGEST: TypedColumn<Text> = column("run.input_digest");
/// Tokens in.
pub const INPUT_TOKENS: TypedColumn<Int> = column("run.input_tokens");
/// Output text.
pub const OUTPUT: TypedColumn<Text> = column("run.output");
/// Length of the output in characters.
pub const OUTPUT_CHARS: TypedColumn<Int> = column("run.output_chars");
/// Digest of the output.
pub const OUTPUT_DIGEST: TypedColumn<Text> = column("run.output_digest");
/// Tokens out.
pub const OUTPUT_TOKENS: TypedColumn<Int> = column("run.output_tokens");
/// Whether the agent refused.
pub const REFUSED: TypedColumn<Bool> = column("run.refused");
/// ok or error.
pub const STATUS: TypedColumn<Text> = column("run.status");
/// Steps taken.
pub const STEPS: TypedColumn<Int> = column("run.steps");
/// Tool calls of the run.
pub const TOOLS_CALLED: TypedColumn<Int> = column("run.tools_called");
/// What started the run.
pub const TRIGGER: TypedColumn<Text> = column("run.trigger");
