//! What can be set.

use std::path::PathBuf;

/// Settings of an embedded log. Each limit says what happens at it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the log; created if it does not exist.
    pub directory: PathBuf,
    /// Whether a record is acknowledged only once it is on the disk (`fsync`), so that it survives
    /// power loss. Off, it survives the death of the process only, and publishing is faster.
    pub sync: bool,
    /// Largest record (key, value and headers), bytes; a larger one is `TooLarge`. At most
    /// [`Options::RECORD_BYTES_BOUND`].
    pub record_bytes_max: usize,
    /// Records waiting for the writer; beyond that `QueueFull`. One call is always taken when
    /// nothing waits.
    pub queue_records_max: usize,
    /// Bytes waiting for the writer; beyond that `QueueFull`. One call is always taken when
    /// nothing waits.
    pub queue_bytes_max: usize,
    /// Memory for blocks read from disk, bytes; when it is full the oldest are read again.
    pub cache_bytes: u64,
    /// The clock that stamps records, milliseconds since the epoch.
    pub now_ms: fn() -> i64,
}

impl Options {
    /// No record may be larger than this, whatever is set: 64 MiB.
    pub const RECORD_BYTES_BOUND: usize = 64 << 20;

    /// The defaults: not synced, records up to 1 MiB, 100,000 records or 64 MiB waiting, 32 MiB of
    /// cache.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, now_ms: fn() -> i64) -> Self {
        Self {
            directory: directory.into(),
            sync: false,
            record_bytes_max: 1 << 20,
            queue_records_max: 100_000,
            queue_bytes_max: 64 << 20,
            cache_bytes: 32 << 20,
            now_ms,
        }
    }
}
