//! The role over a log in memory.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod admitted;
mod forged;
mod recovery;
mod schemas;
mod settings;
mod world;
