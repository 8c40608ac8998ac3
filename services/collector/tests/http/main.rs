//! The collector over real HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

mod ingestion;
mod suspicious;
mod world;
