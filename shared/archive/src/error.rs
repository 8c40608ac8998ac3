//! Outcomes of archive operations that a caller acts on.

use object_store::Error;
use thiserror::Error;

/// Characters of a store's message that are kept.
const DETAIL_CHARS_MAX: usize = 1_000;

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
    /// The location is none, or what it needs is not configured.
    #[error("failed to open the archive `{location}`: {detail}")]
    Location {
        /// The location as given.
        location: String,
        /// What is wrong with it, and what to do.
        detail: String,
    },
    /// The directory cannot be opened: it does not exist, is not mounted, belongs to somebody else.
    #[error("failed to open the archive `{location}`: {detail}")]
    Absent {
        /// The location as given.
        location: String,
        /// The operating system's words.
        detail: String,
    },
}

impl ArchiveError {
    /// From what the store said about an object. The only place where its errors are read.
    pub(crate) fn from_store(path: &str, error: &Error) -> Self {
        let path = path.to_owned();
        let detail = one_line(&error.to_string());
        match error {
            // A bucket that does not exist is no empty archive.
            _ if detail.contains("<Code>NoSuchBucket</Code>") => Self::Refused { path, detail },
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

    /// The same of a write, which needs nothing that must be there: what is missing is the upload, of
    /// which a lost answer may have been the success.
    pub(crate) fn of_a_write(self) -> Self {
        let Self::NotFound { path } = self else { return self };
        let detail = "what was written is gone, or was completed before".to_owned();
        Self::Unavailable { path, detail }
    }

    /// Whether a repetition may succeed.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// What a store said, on one line that no terminal takes for anything but text.
fn one_line(text: &str) -> String {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().nth(DETAIL_CHARS_MAX).is_none() {
        return line;
    }
    line.chars().take(DETAIL_CHARS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_store_are_one_line_of_bounded_length() {
        let said = "503:\n<Error>\u{1b}[31m\t <Code>SlowDown</Code>\r\n</Error>";
        assert_eq!(one_line(said), "503: <Error> [31m <Code>SlowDown</Code> </Error>");
        let long = one_line(&"é".repeat(DETAIL_CHARS_MAX * 2));
        assert_eq!(long.chars().count(), DETAIL_CHARS_MAX + 1);
    }
}
