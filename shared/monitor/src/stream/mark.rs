//! The position of an observation.

use serde::{Deserialize, Serialize};

/// Offset and event time of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) offset: i64,
    pub(crate) time: i64,
}
