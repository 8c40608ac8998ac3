//! Settings of the embedded log.

use std::path::PathBuf;

/// Settings of an embedded log. Each limit documents what happens beyond it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the log; created if it does not exist.
    pub directory: PathBuf,
    /// Whether to acknowledge a record only after an `fsync`, so that it survives a power failure.
    /// If not, it survives a crash of the process only, and publishing is faster.
    pub sync: bool,
    /// Largest record (key, value and headers), bytes; a larger one is `TooLarge`. At most
    /// [`Options::RECORD_BYTES_BOUND`].
    pub record_bytes_max: usize,
    /// Records in the publish queue; beyond that `QueueFull`. A call is always accepted when the queue
    /// is empty.
    pub queue_records_max: usize,
    /// Bytes in the publish queue; beyond that `QueueFull`. A call is always accepted when the queue
    /// is empty.
    pub queue_bytes_max: usize,
    /// Block cache of the store, bytes; blocks that do not fit are read from disk again.
    pub cache_bytes: u64,
    /// Which records are deleted, and when; `None` keeps all.
    pub expiry: Option<Expiry>,
    /// The clock that stamps records, milliseconds since the epoch.
    pub now_ms: fn() -> i64,
}

impl Options {
    /// Upper bound of `record_bytes_max`: 64 MiB.
    pub const RECORD_BYTES_BOUND: usize = 64 << 20;

    /// The defaults: no `fsync`, records up to 1 MiB, 100,000 records or 64 MiB in the publish queue,
    /// 32 MiB of cache, nothing is deleted.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, now_ms: fn() -> i64) -> Self {
        Self {
            directory: directory.into(),
            sync: false,
            record_bytes_max: 1 << 20,
            queue_records_max: 100_000,
            queue_bytes_max: 64 << 20,
            cache_bytes: 32 << 20,
            expiry: None,
            now_ms,
        }
    }
}

/// When records are deleted. Topics that are not named here keep their records for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Age of a record, milliseconds.
    pub after_ms: i64,
    /// Topics, each with the groups that must have committed a position behind a record.
    pub topics: Vec<(String, Vec<String>)>,
}
