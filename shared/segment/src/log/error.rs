//! Why a commit is refused.

use merkle::checkpoint::CheckpointError;
use thiserror::Error;

use crate::manifest::ManifestError;

/// Why a commit is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// Not a commit object in its exact form.
    #[error("commit {sequence}: {detail}")]
    Form {
        /// Number of the commit.
        sequence: u64,
        /// What is wrong.
        detail: String,
    },
    /// No commit can follow.
    #[error("commit {sequence}: no number is left for the commit after it")]
    Full {
        /// Number of the commit.
        sequence: u64,
    },
    /// The checkpoint is refused.
    #[error("commit {sequence}: {error}")]
    Checkpoint {
        /// Number of the commit.
        sequence: u64,
        /// Why.
        error: CheckpointError,
    },
    /// What the commit states is not what follows.
    #[error("commit {sequence}: {what} mismatch: expected {expected}, the commit says {found}")]
    Mismatch {
        /// Number of the commit.
        sequence: u64,
        /// Which value.
        what: &'static str,
        /// What follows from the log before it.
        expected: String,
        /// What the commit states.
        found: String,
    },
    /// An entry is of a kind that this version does not know, so that it cannot say what may follow.
    #[error(
        "log entry {index} is of kind `{kind}`, which this version does not know; use the version \
         that wrote it, or a later one"
    )]
    UnknownKind {
        /// Number of the entry in the log.
        index: u64,
        /// The kind.
        kind: String,
    },
    /// An entry is refused.
    #[error("log entry {index}: {error}")]
    Entry {
        /// Number of the entry in the log.
        index: u64,
        /// Why.
        error: ManifestError,
    },
    /// An entry does not continue the log, or the chain of its partition.
    #[error("log entry {index}: {what} mismatch: expected {expected}, the manifest says {found}")]
    Chain {
        /// Number of the entry in the log.
        index: u64,
        /// Which value.
        what: &'static str,
        /// What continues the chain.
        expected: String,
        /// What the manifest states.
        found: String,
    },
}
