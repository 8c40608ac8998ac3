//! Why a file is not in the form of the files of a pack.

use thiserror::Error;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: expected {expected}, found {found}")]
pub(crate) struct TableFault {
    /// Part of the file, column or row.
    pub(crate) place: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl TableFault {
    pub(crate) fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), expected: expected.into(), found: found.into() }
    }
}
