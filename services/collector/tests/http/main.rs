//! The collector over real HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

mod identity;
mod ingestion;
mod otlp;
mod suspicious;
mod world;
