//! One call of a model.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, TypedColumn, column};

/// Input tokens read from a cache.
pub const CACHED_TOKENS: TypedColumn<Int> = column("model.cached_tokens");
/// Cost in US dollars.
pub const COST_USD: TypedColumn<Float> = column("model.cost_usd");
/// Duration in milliseconds.
pub const DURATION_MS: TypedColumn<Float> = column("model.duration_ms");
/// Class of the error.
pub const ERROR_TYPE: TypedColumn<Text> = column("model.error_type");
/// Fingerprint that the provider reports for the model.
pub const FINGERPRINT: TypedColumn<Text> = column("model.fingerprint");
/// Why generation ended.
pub const FINISH_REASONS: TypedColumn<Texts> = column("model.finish_reasons");
/// Messages sent.
pub const INPUT: TypedColumn<Text> = column("model.input");
/// Tokens in.
pub const INPUT_TOKENS: TypedColumn<Int> = column("model.input_tokens");
/// Largest number of output tokens asked for.
pub const MAX_TOKENS: TypedColumn<Int> = column("model.max_tokens");
/// Messages received.
pub const OUTPUT: TypedColumn<Text> = column("model.output");
/// Length of the output in characters.
pub const OUTPUT_CHARS: TypedColumn<Int> = column("model.output_chars");
/// Tokens out.
pub const OUTPUT_TOKENS: TypedColumn<Int> = column("model.output_tokens");
/// Provider.
pub const PROVIDER: TypedColumn<Text> = column("model.provider");
/// Output tokens spent on reasoning.
pub const REASONING_TOKENS: TypedColumn<Int> = column("model.reasoning_tokens");
/// Model asked for.
pub const REQUEST_MODEL: TypedColumn<Text> = column("model.request_model");
/// Provider's id of the answer.
pub const RESPONSE_ID: TypedColumn<Text> = column("model.response_id");
/// Model that answered.
pub const RESPONSE_MODEL: TypedColumn<Text> = column("model.response_model");
/// Requests repeated before this answer.
pub const RETRIES: TypedColumn<Int> = column("model.retries");
/// Seed of the sampling.
pub const SEED: TypedColumn<Int> = column("model.seed");
/// ok or error.
pub const STATUS: TypedColumn<Text> = column("model.status");
/// Sampling temperature.
pub const TEMPERATURE: TypedColumn<Float> = column("model.temperature");
/// Time to the first token.
pub const TIME_TO_FIRST_TOKEN_MS: TypedColumn<Float> = column("model.time_to_first_token_ms");
