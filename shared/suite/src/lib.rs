//! Eval suites: versioned documents of deterministic checks that agent events are judged by.
//!
//! # Promise
//!
//! - A document is read strictly: everything that is wrong with it is said at once, each with its
//!   line and place, and a key that is not known with the one that may be meant ([`Suite::parse`]).
//! - A suite is known by the SHA-256 of its canonical form (RFC 8785), whatever its text looks like.
//! - [`Suites`] is a pure function of the publications and events it is given, in their order;
//!   resuming a saved one is exact: `run(a ++ b)` equals `resume(save(run(a)), b)`; saving costs
//!   what has changed.
//! - What costs an event is bounded: patterns are linear in the text, schemas have a number of
//!   steps, and [`Limits`] bounds what is remembered.
//! - A decision about a version is wrong with at most the probability stated, however often a
//!   stream is looked at ([`gate`]).
//!
//! # Vocabulary
//!
//! *Suite*: a named list of checks, and which events it judges. *Check*: one criterion, by an
//! *evaluator*. *Trial*: an event that is judged; a check whose input is missing is *not applicable*
//! to it and counts as neither. *Gate*: the pass rate that an agent version must reach.
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
//! No I/O, no clock, no randomness, and no model that judges: what a model or a person finds comes
//! as `eval.result` from outside. It makes no windows and no alerts of verdicts.

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
