//! What a pack is about.

use event::Timestamp;
use segment::excerpt::Period;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An agent and a period of broker time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    agent_id: String,
    from_ms: i64,
    to_ms: i64,
}

/// Why there is no such scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// No agent.
    #[error("the agent of a pack must not be empty")]
    Agent,
    /// Not an instant.
    #[error("`{0}` is not a time with date, clock and offset, such as 2026-10-01T00:00:00Z")]
    Time(String),
    /// The period ends before it begins, or lies outside years 1 to 9999.
    #[error("the period must begin before it ends, in years 1 to 9999")]
    Period,
}

/// A scope as texts, as `pack.json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeText {
    /// The agent.
    pub agent_id: String,
    /// Beginning of the period, RFC 3339; none if it has no beginning.
    pub from: Option<String>,
    /// End of the period, RFC 3339, not part of it; none if it has no end.
    pub to: Option<String>,
}

impl Scope {
    /// Events of an agent whose broker timestamp is in `[from_ms, to_ms)`, milliseconds since the
    /// epoch.
    ///
    /// # Errors
    ///
    /// See [`ScopeError`].
    pub fn new(agent_id: &str, from_ms: i64, to_ms: i64) -> Result<Self, ScopeError> {
        if agent_id.is_empty() {
            return Err(ScopeError::Agent);
        }
        let in_range = |ms: i64| Timestamp::from_millis(ms).is_in_range();
        if from_ms >= to_ms || !in_range(from_ms) || !in_range(to_ms) {
            return Err(ScopeError::Period);
        }
        Ok(Self { agent_id: agent_id.to_owned(), from_ms, to_ms })
    }

    /// As [`Self::new`], from RFC 3339 texts; without one, the period is open on that side (year 1,
    /// year 9999). Digits below a millisecond are cut off.
    ///
    /// # Errors
    ///
    /// See [`ScopeError`].
    pub fn parse(agent_id: &str, from: Option<&str>, to: Option<&str>) -> Result<Self, ScopeError> {
        let instant = |text: Option<&str>, open: Timestamp| match text {
            None => Ok(open.millis()),
            Some(text) => Timestamp::parse_rfc3339(text)
                .map(Timestamp::millis)
                .ok_or_else(|| ScopeError::Time(text.to_owned())),
        };
        let from_ms = instant(from, Timestamp::EARLIEST)?;
        Self::new(agent_id, from_ms, instant(to, Timestamp::LATEST)?)
    }

    /// The agent.
    #[must_use]
    pub fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// Beginning of the period, milliseconds since the epoch.
    #[must_use]
    pub const fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// End of the period, milliseconds since the epoch; not part of it.
    #[must_use]
    pub const fn to_ms(&self) -> i64 {
        self.to_ms
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> Period {
        Period { from_ms: self.from_ms, to_ms: self.to_ms }
    }

    /// Whether the period has no beginning: it begins where time does.
    #[must_use]
    pub const fn is_open_before(&self) -> bool {
        self.from_ms == Timestamp::EARLIEST.millis()
    }

    /// Whether the period has no end.
    #[must_use]
    pub const fn is_open_after(&self) -> bool {
        self.to_ms == Timestamp::LATEST.millis()
    }

    /// Whether an instant is in the period.
    #[must_use]
    pub const fn contains(&self, timestamp_ms: i64) -> bool {
        self.from_ms <= timestamp_ms && timestamp_ms < self.to_ms
    }

    /// As texts.
    #[must_use]
    pub fn to_text(&self) -> ScopeText {
        ScopeText {
            agent_id: self.agent_id.clone(),
            from: (!self.is_open_before()).then(|| instant(self.from_ms)),
            to: (!self.is_open_after()).then(|| instant(self.to_ms)),
        }
    }

    pub(crate) fn from_text(json: &ScopeText) -> Result<Self, ScopeError> {
        Self::parse(&json.agent_id, json.from.as_deref(), json.to.as_deref())
    }
}

impl std::fmt::Display for ScopeText {
    /// The period as a person says it: an open side is not given as year 1 or 9999.
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.from, &self.to) {
            (None, None) => to.write_str("everything that the log holds"),
            (None, Some(end)) => write!(to, "until before {end}"),
            (Some(start), None) => write!(to, "from {start}"),
            (Some(start), Some(end)) => write!(to, "from {start} until before {end}"),
        }
    }
}

/// RFC 3339 text of milliseconds since the epoch; the number where no text can hold it.
pub(crate) fn instant(ms: i64) -> String {
    let timestamp = Timestamp::from_millis(ms);
    let text = timestamp.is_in_range().then(|| timestamp.to_rfc3339()).flatten();
    text.unwrap_or_else(|| format!("{ms} ms since the epoch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_survives_its_texts() {
        let scope = Scope::parse("a", Some("2026-10-01T02:00:00+02:00"), None).unwrap();
        let text = scope.to_text();
        assert_eq!(text.from.as_deref(), Some("2026-10-01T00:00:00.000000Z"));
        assert_eq!(text.to, None);
        assert_eq!(Scope::from_text(&scope.to_text()), Ok(scope));
    }

    #[test]
    fn the_end_is_not_in_the_period() {
        let scope = Scope::new("a", 10, 20).unwrap();
        assert!(scope.contains(10) && scope.contains(19) && !scope.contains(20));
        let period = scope.period();
        assert!(period.touches(0, 10) && period.touches(19, 30));
        assert!(!period.touches(0, 9) && !period.touches(20, 30));
    }

    #[test]
    fn a_bad_scope_says_what_is_wrong() {
        assert_eq!(Scope::new("", 0, 1), Err(ScopeError::Agent));
        assert_eq!(Scope::new("a", 1, 1), Err(ScopeError::Period));
        let error = Scope::parse("a", Some("yesterday"), None).unwrap_err();
        assert!(error.to_string().contains("yesterday"));
    }
}
