//! A durable event log in one directory, for one process: the default when there is no Kafka.
//!
//! # Promise
//!
//! - A record is acknowledged after it has been handed to the operating system: it survives the
//!   death of this process (`kill -9`). With [`Options::sync`] it is acknowledged only after it is
//!   on the disk: it survives power loss as well.
//! - Offsets of a partition are contiguous, its timestamps never go back, and both continue where
//!   they were after a restart.
//! - One process at a time: a second one is refused ([`OpenError::InUse`]), and so is a directory
//!   that holds something else ([`OpenError::NotALog`]).
//! - Memory is bounded: the queue of publications ([`Options::queue_records_max`],
//!   [`Options::queue_bytes_max`]), the store's buffers, and the batches of readers.
//!
//! # How
//!
//! One writer thread takes everything that was published meanwhile, forms a *chunk* per partition
//! (a run of neighbouring records under the key *partition, first offset*), writes all chunks as
//! one atomic batch of the store, then acknowledges. So the cost of durability is shared by all
//! who publish at the same time, and a reader fetches hundreds of records with one lookup.
//!
//! A compacted topic has one record per chunk, and appending a record deletes the older one of
//! the same key in the same atomic batch: its offsets have holes.
//!
//! Groups of consumers live in this process ([`ports::group`]); their committed positions are
//! advisory and end with it.
//!
//! # What it does not do
//!
//! Retention by itself (call [`EmbeddedLog::trim`] for what is sealed), replication, and access
//! by several processes.

mod chunk;
mod directory;
mod log;
mod options;
mod store;
mod writer;

/// Number of records of a chunk; `None` for bytes that are none. For fuzzing what is read back.
#[doc(hidden)]
#[must_use]
pub fn chunk_records(chunk: &[u8]) -> Option<usize> {
    let records = chunk::records(chunk).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    records.iter().for_each(|record| record.headers().for_each(drop));
    Some(records.len())
}

pub use directory::OpenError;
pub use log::EmbeddedLog;
pub use options::Options;
