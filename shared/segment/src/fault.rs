//! What a check found: the step, the place, and both values.

use serde::Serialize;
use thiserror::Error;

/// A check that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[error("{step}: {place}: expected {expected}, found {found}")]
pub struct Fault {
    /// Which check, for example `log root`.
    pub step: &'static str,
    /// Object, entry or row, as exact as is known.
    pub place: String,
    /// What would have held.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Fault {
    /// A check of a place that did not hold.
    pub fn new(
        step: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { step, place: place.into(), expected: expected.into(), found: found.into() }
    }
}

/// Why something signed is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Distrust {
    /// It is wrong.
    #[error(transparent)]
    Failed(#[from] Fault),
    /// It cannot be judged: the policy does not know who signed it, or this version does not know
    /// its format.
    #[error("{0}")]
    Unverifiable(String),
}

/// Compares two values of a check.
///
/// # Errors
///
/// They differ.
pub fn expect_equal<T: PartialEq + std::fmt::Display>(
    step: &'static str,
    place: &str,
    expected: &T,
    found: &T,
) -> Result<(), Fault> {
    if expected == found {
        Ok(())
    } else {
        Err(Fault::new(step, place, expected.to_string(), found.to_string()))
    }
}

/// What a verification came to. There is no fourth answer, and none is mapped to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Judgement {
    /// Everything that was checked holds.
    Verified,
    /// Something does not hold.
    Failed,
    /// It cannot be said, for a reason that is stated.
    Unverifiable,
}

impl Judgement {
    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Failed => "FAILED",
            Self::Unverifiable => "UNVERIFIABLE",
        }
    }

    /// The exit code of commands: 0, 1 or 3 (2 is for usage).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Failed => 1,
            Self::Unverifiable => 3,
        }
    }
}
