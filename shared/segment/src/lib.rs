//! From records to sealed segments and a log of them, and back; bytes in, bytes out.
//!
//! # Promise
//!
//! - Everything that is signed about a segment follows from its stored bytes, and is derived again
//!   from them before it is signed ([`read::check`]).
//! - The same records and salts give the same bytes.
//! - Every reader is total: any bytes give an answer, never a panic. Of each format only one exact
//!   form is accepted.
//! - The specifications under `schemas/segment/` are enough to write another reader; the one in
//!   `tests/oracles/read_segment.py` is.
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness, no logging: salts, keys and objects are arguments, and objects
//! are what it returns.

pub mod belief;
pub mod build;
pub mod census;
pub mod chain;
mod collect;
pub mod columns;
pub mod consistency;
pub mod excerpt;
pub mod facts;
pub mod fault;
pub mod fsck;
pub mod layout;
pub mod leaf;
pub mod log;
pub mod manifest;
pub mod orphan;
pub mod policy;
pub mod proof;
pub mod read;
pub mod replay;
pub mod rows;
pub mod sealer;
#[cfg(test)]
mod tests;
pub mod unsealed;

pub use event::plain;
