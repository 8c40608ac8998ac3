//! Errors of log operations, by what a caller can do about them.

use thiserror::Error;

/// Why an operation on the log failed. Each adapter maps its own errors to these in one place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// The log is unreachable or did not answer in time; the operation may or may not have taken
    /// effect. Retry a bounded number of times.
    #[error("failed to reach the log: {0}")]
    Unavailable(String),
    /// Too many records await acknowledgement. Nothing was queued; slow down, then retry.
    #[error("publish queue is full: {waiting} records await acknowledgement")]
    QueueFull {
        /// Records that await acknowledgement.
        waiting: usize,
    },
    /// The record exceeds the size limit of the log; retrying does not help.
    #[error("record of {size_bytes} bytes exceeds the limit of the log, {bytes_max} bytes")]
    TooLarge {
        /// Size of the record, bytes.
        size_bytes: usize,
        /// Limit of the log, bytes.
        bytes_max: usize,
    },
    /// No such topic or partition.
    #[error(
        "no topic or partition `{0}`; `driftseal topics create` creates topics that never existed \
         (one that was deleted needs another name, `topics.prefix`)"
    )]
    UnknownPartition(String),
    /// The offset is before the first record that the log still holds, or beyond its end.
    #[error("offset {offset} of `{partition}` is out of range: the log holds {first} to {next}")]
    OutOfRange {
        /// The partition.
        partition: String,
        /// The requested offset.
        offset: i64,
        /// First offset held.
        first: i64,
        /// Offset after the last one held.
        next: i64,
    },
    /// The log, or its client, is unusable from here on. Whatever was in flight has an unknown
    /// outcome; only reading the log tells.
    #[error("the log is unusable: {0}")]
    Fatal(String),
}

impl LogError {
    /// Whether the operation may succeed after a restart of its role.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::QueueFull { .. } => true,
            // Retention overtook the reader: on a restart it starts at the first record held.
            Self::OutOfRange { .. } => true,
            Self::TooLarge { .. } | Self::UnknownPartition(_) | Self::Fatal(_) => false,
        }
    }
}
