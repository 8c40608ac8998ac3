//! Outcomes of log operations that a caller acts on.

use thiserror::Error;

/// Why an operation on the log failed. Adapters map their own errors here, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// The log cannot be reached or did not answer in time; what was asked may or may not have
    /// happened. Retry with a bound.
    #[error("failed to reach the log: {0}")]
    Unavailable(String),
    /// Too much is waiting to be acknowledged. Slow down, then retry; nothing was queued.
    #[error("failed to queue: {waiting} records are waiting for acknowledgement")]
    QueueFull {
        /// Records waiting.
        waiting: usize,
    },
    /// The record is larger than the log accepts; it never will be accepted.
    #[error("failed to publish: the record has {size_bytes} bytes, the log accepts {bytes_max}")]
    TooLarge {
        /// Size of the record.
        size_bytes: usize,
        /// Limit of the log.
        bytes_max: usize,
    },
    /// No such topic or partition.
    #[error("no topic or partition `{0}`; create it with `driftseal topics create`")]
    UnknownPartition(String),
    /// The position is outside what the log still holds.
    #[error("offset {offset} of `{partition}` is outside what the log holds, {first} to {next}")]
    OutOfRange {
        /// The partition.
        partition: String,
        /// Offset asked for.
        offset: i64,
        /// First offset held.
        first: i64,
        /// Offset after the last one held.
        next: i64,
    },
    /// The adapter cannot go on; restart and read the truth.
    #[error("the log cannot be used any more: {0}")]
    Fatal(String),
}

impl LogError {
    /// Whether starting again may help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::QueueFull { .. } => true,
            // A position that retention overtook: opening again starts at the first record held.
            Self::OutOfRange { .. } => true,
            Self::TooLarge { .. } | Self::UnknownPartition(_) | Self::Fatal(_) => false,
        }
    }
}
