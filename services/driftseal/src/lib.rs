//! The product binary: all roles, and the commands around them.
//!
//! # Promise
//!
//! - Commands are thin: they read arguments and configuration, call a role or a function of
//!   `evidence`, print, and map the result to an exit code (0 success, 1 failed or not verified,
//!   2 usage or configuration error, 3 unverifiable).
//! - Only this crate reads command-line arguments and handles signals.
//! - Standard output carries only results; progress and log lines go to standard error. A result that
//!   cannot be written is a failure.
//! - With `--output json` it carries one JSON object, whatever happens: the result (a list is a field of
//!   it), or `{"error": {"code": …, "message": …}}`. Only help and version, which are asked for
//!   by name, stay text.
//!
//! # What it does not do
//!
//! It makes no decisions about events, metrics, segments or proofs.

pub mod check;
pub mod command;
pub mod config;
mod demands;
pub mod demo;
pub mod digest;
pub mod emit;
mod gateway;
mod http;
mod installation;
pub mod offline;
mod options;
mod outcome;
pub mod panics;
mod place;
mod print;
mod repeat;
mod role;
mod roles;
mod table;
mod views;

pub use config::Config;
pub use outcome::{Ended, Failure};
pub use print::Output;
