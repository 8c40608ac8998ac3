//! The product: every role in one process, and the commands around them.
//!
//! # Promise
//!
//! - Commands are thin: they read arguments and configuration, call a role or a function of
//!   `evidence`, print, and map the result to an exit code (0 done, 1 failed or not verified,
//!   2 usage, 3 unverifiable).
//! - Nothing below reads the environment, arguments or signals: that happens here, once.
//! - Standard output carries results only (one JSON object with `--output json`); progress and log
//!   lines go to standard error.
//!
//! # What it does not do
//!
//! It decides nothing about events, metrics, segments or proofs.

pub mod command;
pub mod config;
pub mod demo;
pub mod emit;
pub mod offline;
mod outcome;
mod print;
mod roles;

pub use config::Config;
pub use outcome::{Ended, Failure};
pub use print::Output;
