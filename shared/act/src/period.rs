//! The period of an act.

use event::Timestamp;

use crate::error::{ActError, Field};

/// How far in the future an act may end, days.
pub const DAYS_AHEAD_MAX: i64 = 30;

const AHEAD_MICROS_MAX: i64 = DAYS_AHEAD_MAX * 24 * 3_600 * 1_000_000;

/// When an act ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At a time.
    At(Timestamp),
    /// After a duration from its beginning, microseconds.
    After(i64),
}

/// The period of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// When it begins; now if absent.
    pub from: Option<Timestamp>,
    /// When it ends.
    pub end: End,
}

impl Period {
    /// Beginning and end, for somebody who asks at `now`.
    ///
    /// # Errors
    ///
    /// [`ActError::Invalid`] if it ends before it begins, in the past, or more than
    /// [`DAYS_AHEAD_MAX`] days ahead.
    pub fn resolve(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), ActError> {
        let from = self.from.unwrap_or(now);
        let (field, until) = match self.end {
            End::At(until) => (Field::Until, Some(until)),
            End::After(micros) => {
                let until = from.micros().checked_add(micros);
                (Field::Duration, until.map(Timestamp::from_micros))
            }
        };
        let until = until
            .filter(|until| until.is_in_range())
            .ok_or_else(|| ActError::invalid(field, "the end is outside the years 1 to 9999"))?;
        if until <= from || until <= now {
            let text = format!("the end, {until}, must be after the start and in the future");
            return Err(ActError::invalid(field, text));
        }
        let ahead = until.micros().checked_sub(now.micros());
        if ahead.is_none_or(|ahead| ahead > AHEAD_MICROS_MAX) {
            let text = format!("the end, {until}, must be within {DAYS_AHEAD_MAX} days from now");
            return Err(ActError::invalid(field, text));
        }
        Ok((from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn an_end_is_after_now_and_within_a_month_and_the_field_is_named() {
        let now = Timestamp::from_micros(1_000 * SECOND);
        let at = |secs: i64| Timestamp::from_micros(secs * SECOND);
        let resolve = |from: Option<i64>, end| Period { from: from.map(at), end }.resolve(now);
        assert_eq!(resolve(None, End::After(60 * SECOND)).unwrap(), (now, at(1_060)));
        assert_eq!(resolve(Some(2_000), End::After(60 * SECOND)).unwrap(), (at(2_000), at(2_060)));
        for (from, end, says) in [
            (None, End::At(at(1_000)), "`until`: the end, 1970-01-01T00:16:40"),
            (Some(2_000), End::At(at(1_500)), "must be after the start"),
            (Some(1), End::After(10 * SECOND), "`duration`"),
            (None, End::After(31 * 24 * 3_600 * SECOND), "within 30 days from now"),
            (None, End::After(i64::MAX), "years 1 to 9999"),
        ] {
            let error = resolve(from, end).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
