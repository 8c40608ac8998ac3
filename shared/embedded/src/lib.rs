//! A durable event log in a directory, for a single process: the default without Kafka.
//!
//! # Promise
//!
//! - A record is acknowledged once the operating system has it, so that it survives a crash of this
//!   process (`kill -9`). With [`Options::sync`] it is acknowledged only after an `fsync`, so that it
//!   survives a power failure too.
//! - Offsets of a partition are contiguous, its timestamps never decrease, and both continue after a
//!   restart.
//! - One process at a time: a second one is rejected ([`OpenError::InUse`]), and so is a directory
//!   with other contents ([`OpenError::NotALog`]).
//! - Memory is bounded: the publish queue ([`Options::queue_records_max`],
//!   [`Options::queue_bytes_max`]), the buffers of the store, and the batches of readers.
//!
//! # How
//!
//! A writer thread takes all queued records, forms a *chunk* per partition (consecutive records
//! under the key *partition, first offset*), writes all chunks as one atomic batch of the store, and
//! acknowledges them (group commit). Concurrent publishers share the cost of durability, and a
//! reader fetches hundreds of records per lookup.
//!
//! In a compacted topic a chunk holds one record, and appending a record deletes the previous one of
//! its key in the same atomic batch, which leaves gaps between offsets.
//!
//! Consumer groups live in the process ([`ports::group`]); their committed offsets are advisory and
//! are lost with it.
//!
//! # What it does not do
//!
//! Replication, and access from several processes. It deletes only what [`Options::expiry`] names.

mod chunk;
mod directory;
mod expiry;
mod log;
mod options;
mod store;
mod writer;

/// Number of records of a chunk; `None` if the bytes are not a chunk. For fuzzing.
#[doc(hidden)]
#[must_use]
pub fn chunk_records(chunk: &[u8]) -> Option<usize> {
    let records = chunk::records(chunk).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    records.iter().for_each(|record| record.headers().for_each(drop));
    Some(records.len())
}

/// Whether these are the facts of a topic as [`EmbeddedLog`] stores them. For fuzzing, as above.
#[doc(hidden)]
#[must_use]
pub fn is_topic(facts: &[u8]) -> bool {
    store::TopicFacts::decode(facts).is_some_and(|topic| topic.encode() == facts)
}

pub use directory::OpenError;
pub use log::EmbeddedLog;
pub use options::{Expiry, Options};
