//! The metrics of a window. To add one, write its file and the `mod` line below, and append its
//! line to the list in `registry.rs`.
//!
//! A metric's place in that list is part of the snapshot format and of the ordinals of its outputs:
//! append only. Raise the `version` in a metric's file when the same events would give other
//! numbers: replays of older archives then leave the metric out, and report it.

mod aggregate;
mod approval_decision_ms;
mod approval_override_rate;
mod definition;
mod eval_pass_rate;
mod eval_score;
mod registry;
mod run_cost_usd;
mod run_count;
mod run_duration_ms;
mod run_error_rate;
mod run_output_chars;
mod run_refusal_rate;
mod run_steps;
mod run_tokens;
mod shares;
mod tool_denied_rate;
mod tool_duration_ms;
mod tool_error_rate;
mod tool_mix;

pub(crate) use aggregate::{Aggregate, Summary};
pub(crate) use definition::Sample;
pub use definition::{Metric, Model, Shape, Watch};
pub use registry::ALL;
pub(crate) use registry::{
    EVAL_PASS_RATE, EVAL_SCORE, METRICS_MAX, MetricSet, at, is_per_suite, is_watched, name_of,
    place_of, watch_at, watched, watched_names,
};
pub(crate) use shares::{OTHER, Shares};
