//! The metrics of a window. To add one, write its file with the `mod` line below, and add its line
//! to the list in `registry.rs`.
//!
//! An entry's place in the list is part of the snapshot format: append, and raise
//! [`crate::SEMANTICS`] when one is moved or changed.

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
    EVAL_PASS_RATE, EVAL_SCORE, is_per_suite, is_watched, watch_at, watched_names,
};
pub(crate) use shares::{OTHER, Shares};
