//! Errors of acts.

use std::fmt;

use event::BuildError;
use thiserror::Error;

/// A field of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The actor.
    Actor,
    /// The reason.
    Reason,
    /// The agent.
    Agent,
    /// The metric.
    Metric,
    /// The end, as a time.
    Until,
    /// The end, as a duration.
    Duration,
    /// The time of an early end.
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

/// Why an act is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActError {
    /// A field is invalid.
    #[error("`{field}`: {reason}")]
    Invalid {
        /// The field.
        field: Field,
        /// The problem.
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

/// Rejects a blank text.
pub(crate) fn not_empty(field: Field, text: &str) -> Result<(), ActError> {
    if text.trim().is_empty() {
        return Err(ActError::invalid(field, "must not be empty"));
    }
    Ok(())
}
