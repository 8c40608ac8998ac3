//! The reference of a stream: what it is compared with.

use serde::{Deserialize, Serialize};

use super::expectation::Rolling;
use super::totals::History;
use crate::metric_settings::BaselineKind;

/// Identifies the baseline that a stream is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// `None` if it is not watched.
    pub(crate) kind: Option<BaselineKind>,
    /// Offset at which it was pinned.
    pub(crate) pinned_at: Option<i64>,
}

/// The reference of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    /// Identifies the baseline.
    pub(crate) basis: Basis,
    /// The version of the baseline; `None` if there is none, or several.
    pub(crate) version: Option<String>,
    pub(crate) source: Source,
}

/// The observations of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// Those of an earlier version.
    Frozen(History),
    /// Those of the weeks before.
    Rolling(Rolling),
    /// Nothing: the stream is not watched.
    Unwatched,
}
