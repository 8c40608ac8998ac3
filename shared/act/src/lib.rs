//! Acts of people and release pipelines: acknowledge an alert, suppress alerts, plan maintenance,
//! pin a baseline, publish a suite.
//!
//! An act is an event. This crate builds it from values that the caller has checked for nothing:
//! who acts and why, what the act is about, its identity and time. The command line calls it; so
//! does whatever accepts acts over HTTP.
//!
//! # Promise
//!
//! - Values in, an event out: no I/O, no clock, no randomness. The identifier and the time of an
//!   event are arguments ([`Stamp`]).
//! - An act that would have no effect, or another than the one asked for, is refused, and the error
//!   names the field ([`ActError`]).
//! - What is in force is read from the events that the monitor publishes ([`InForce`],
//!   [`alert::Open`]), never from the requests.

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
