//! Outcomes of archive operations that a caller acts on.

use object_store::Error;
use thiserror::Error;

/// Why an operation on the archive failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// The object exists already; nothing was written. What exists is durable.
    #[error("failed to create `{path}`: it exists already")]
    AlreadyExists {
        /// The object.
        path: String,
    },
    /// There is no such object.
    #[error("no object `{path}`")]
    NotFound {
        /// The object.
        path: String,
    },
    /// The store refused; nothing was written, and asking again gives the same answer.
    #[error("the archive refused `{path}`: {detail}")]
    Refused {
        /// The object.
        path: String,
        /// The store's words.
        detail: String,
    },
    /// The store did not answer, or not clearly. A write may or may not have happened.
    #[error("the archive is unavailable at `{path}`: {detail}")]
    Unavailable {
        /// The object.
        path: String,
        /// The store's words.
        detail: String,
    },
    /// The store creates objects that exist: no transparency log is safe in it.
    #[error(
        "the archive `{location}` cannot hold a transparency log: it ignored `If-None-Match: *` \
         and replaced an object that exists; use a store with conditional writes"
    )]
    Unconditional {
        /// The location as given.
        location: String,
    },
    /// The location cannot be opened.
    #[error("failed to open the archive `{location}`: {detail}")]
    Location {
        /// The location as given.
        location: String,
        /// What is wrong with it, and what to do.
        detail: String,
    },
}

impl ArchiveError {
    /// From what the store said about an object. The only place where its errors are read.
    pub(crate) fn from_store(path: &str, error: &Error) -> Self {
        let path = path.to_owned();
        let detail = error.to_string();
        match error {
            Error::AlreadyExists { .. } | Error::Precondition { .. } => {
                Self::AlreadyExists { path }
            }
            Error::NotFound { .. } => Self::NotFound { path },
            Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::UnknownConfigurationKey { .. } => Self::Refused { path, detail },
            // The enum is open: whatever else it is, we do not know what happened.
            Error::Generic { .. } | Error::JoinError { .. } | Error::NotModified { .. } | _ => {
                Self::Unavailable { path, detail }
            }
        }
    }

    /// Whether a repetition may succeed.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
