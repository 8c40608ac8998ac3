//! Acts of people and release pipelines: acknowledging an alert, suppressing alerts, planning
//! maintenance, pinning a baseline, publishing a suite.
//!
//! An act is an event. This crate builds it from unvalidated values: actor and reason, target,
//! identity and time. It is used by the command line, and for acts over HTTP.
//!
//! # Promise
//!
//! - Values in, an event out: no I/O, no clock, no randomness. Identifier and time of an event are
//!   arguments ([`Stamp`]).
//! - An act that would have no effect, or not the intended one, is rejected with an error that names
//!   the field ([`ActError`]).
//! - What is in force is read from the events of the monitor ([`InForce`], [`alert::Open`]), never
//!   from requests.

mod actor;
pub mod alert;
pub mod baseline;
mod error;
mod in_force;
pub mod maintenance;
mod period;
mod request;
pub mod suite;
pub mod suppression;
mod target;
mod timed;

pub use actor::{Actor, Stamp};
pub use error::{ActError, Field};
pub use in_force::InForce;
pub use period::{DAYS_AHEAD_MAX, End, Period};
pub use request::{Ending, Request};
pub use target::Target;
pub use timed::Timed;

#[cfg(test)]
mod tests;
