//! The service on real sockets: receivers that behave as they are told, and processes that die.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

mod common;
mod dead;
mod forged;
mod http;
mod kill;
#[cfg(feature = "tls")]
mod tls;
