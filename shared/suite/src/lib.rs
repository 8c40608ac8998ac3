//! Eval suites: versioned documents of deterministic checks on agent events.
//!
//! # Promise
//!
//! - A document is parsed strictly: all problems are reported at once, each with its line and path,
//!   and unknown keys with a suggestion ([`Suite::parse`]).
//! - A suite is identified by the SHA-256 of its canonical form (RFC 8785), whatever its
//!   formatting.
//! - [`Suites`] is a pure function of the publications and events it is given, in their order;
//!   resuming is exact: `run(a ++ b)` equals `resume(save(run(a)), b)`; the cost of saving is
//!   proportional to what has changed.
//! - The cost of an event is bounded: patterns are linear in the text, schema validation has a
//!   limit of steps, and [`Limits`] bounds the state.
//! - A decision about a version is wrong with at most the stated probability, however often it is
//!   evaluated ([`gate`]).
//!
//! # Vocabulary
//!
//! *Suite*: a named list of checks, and the selection of events that it judges. *Check*: one
//! criterion, decided by an *evaluator*. *Trial*: an event that is judged; a check whose input is
//! missing is *not applicable* to it and counts as neither passed nor failed. *Gate*: the pass rate
//! that an agent version must reach.
//!
//! ```
//! let suite = suite::Suite::parse("suite: answers\nchecks:\n  - type: citation_present\n")?;
//! let mut suites = suite::Suites::new(suite::Limits::default());
//! suites.publish(suite.canonical(), 0).expect("there is room for one");
//! let run = event::decode::decode_json(
//!     br#"{"kind": "run.completed", "agent_id": "a", "run": {"output": "Yes [1]."}}"#,
//!     event::Limits::default(),
//! );
//! let verdicts = suites.observe(&run.expect("an event"));
//! assert_eq!(verdicts[0].passed, Some(true));
//! # Ok::<(), suite::Problems>(())
//! ```
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness, and no model as a judge: results of models and people arrive as
//! `eval.result` events from outside. It does not aggregate verdicts into windows or alerts.

mod check;
mod document;
pub mod gate;
mod json;
mod key;
mod problem;
mod publication;
mod recent;
mod runs;
mod saved;
mod schema;
mod suites;
mod trial;
mod verdict;
mod yaml;

pub use document::{DOCUMENT_BYTES_MAX, Suite};
pub use gate::{Decision, Gate, GateReport, Tally};
pub use problem::{Problem, Problems};
pub use publication::{KIND, document_of, gate_fields, publication, result_fields};
pub use saved::{EntryId, Head, ResumeError};
pub use schema::document_schema;
pub use suites::{Limits, PublishError, Published, Suites};
pub use trial::TrialKind;
pub use verdict::{CheckVerdict, Outcome, SuiteVerdict};
