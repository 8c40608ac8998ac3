//! Decoding and encoding from outside: bad input, JSON, oracles, golden files.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a failed step fails the test"
)]

mod bad_input;
mod common;
mod forms;
mod golden;
mod json;
mod json_schema;
mod numbers;
mod oracle;
mod reference;
mod vocabulary;
