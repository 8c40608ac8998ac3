//! What a stream is compared with.

use serde::{Deserialize, Serialize};

use super::expectation::Rolling;
use super::totals::History;
use crate::metric_settings::BaselineKind;

/// Which baseline a stream is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// `None` if it is not watched.
    pub(crate) kind: Option<BaselineKind>,
    /// Offset at which it was pinned.
    pub(crate) pinned_at: Option<i64>,
}

/// What a stream is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    /// Which baseline that is.
    pub(crate) basis: Basis,
    /// The version; `None` if there was none, or if it is several.
    pub(crate) version: Option<String>,
    pub(crate) source: Source,
}

/// What the baseline is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// What a version has shown.
    Frozen(History),
    /// The weeks before.
    Rolling(Rolling),
    /// Nothing: the stream is not watched.
    Unwatched,
}
