//! Why an act is refused.

use std::fmt;

use event::BuildError;
use thiserror::Error;

/// A value of an act, as its caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Who acts.
    Actor,
    /// Why.
    Reason,
    /// The agent.
    Agent,
    /// The metric.
    Metric,
    /// The end, given as an instant.
    Until,
    /// The end, given as a duration.
    Duration,
    /// When something ended.
    EndedAt,
}

impl Field {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Reason => "reason",
            Self::Agent => "agent",
            Self::Metric => "metric",
            Self::Until => "until",
            Self::Duration => "duration",
            Self::EndedAt => "ended_at",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActError {
    /// A value is wrong.
    #[error("`{field}`: {reason}")]
    Invalid {
        /// The value.
        field: Field,
        /// What is wrong with it.
        reason: String,
    },
    /// The event does not fit the schema.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl ActError {
    pub(crate) fn invalid(field: Field, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

/// Refuses a text without content.
pub(crate) fn not_empty(field: Field, text: &str) -> Result<(), ActError> {
    if text.trim().is_empty() {
        return Err(ActError::invalid(field, "must not be empty"));
    }
    Ok(())
}
