//! A small archive: fsck and proofs over it, and everything that is done to them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed step fails the test"
)]

mod check;
mod common;
mod consistency;
mod faults;
mod fsck;
mod growing;
mod keys;
mod proof;
mod rows;
