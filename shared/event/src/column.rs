//! A constant for each column, by family: `column::run::STATUS` is the column `run.status`, and
//! `column::AGENT_ID` the column `agent_id` of the envelope.
//!
//! Generated from `schemas/events/*.avsc` (`make bless`) and committed, so that a reader, an editor
//! and a review see them, and a build need not make them.

#[rustfmt::skip]
mod names;

pub use names::*;
