//! The state machines of `README.md`, checked over interleavings of two owners, restarts, copies,
//! reorderings and forgeries.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed step fails the test")]

mod acts;
mod keys;
mod model;
mod schemas;
mod signatures;
