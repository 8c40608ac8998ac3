//! A small archive: fsck, proofs and packs over it, and everything that is done to them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::string_slice,
    reason = "a failed step fails the test"
)]

mod common;
mod fsck;
mod pack;
mod proof;
mod rows;
