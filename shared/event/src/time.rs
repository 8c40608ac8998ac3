//! Instants, as microseconds since the Unix epoch, UTC.
//!
//! Years 1 to 9999 are representable and accepted; nothing here reads a clock.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// An instant in microseconds since the Unix epoch, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the earliest instant accepted from a sender.
    pub const EARLIEST: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, the latest instant accepted from a sender.
    pub const LATEST: Self = Self(253_402_300_799_999_999);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch, as brokers stamp records; saturates.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whether the instant lies in years 1 to 9999.
    #[must_use]
    pub fn is_in_range(self) -> bool {
        (Self::EARLIEST..=Self::LATEST).contains(&self)
    }

    /// The unit that was probably meant, if the number is plausible (years 2000 to 2099) as seconds,
    /// milliseconds or nanoseconds since the epoch, and not as the microseconds that it is.
    #[must_use]
    pub fn mistaken_unit(self) -> Option<&'static str> {
        /// 2000-01-01 to before 2100-01-01, seconds.
        const PLAUSIBLE: std::ops::Range<i64> = 946_684_800..4_102_444_800;
        [(1_000_000, None), (1, Some("seconds")), (1_000, Some("milliseconds"))]
            .into_iter()
            .chain([(1_000_000_000, Some("nanoseconds"))])
            .find(|(per_second, _)| PLAUSIBLE.contains(&self.0.div_euclid(*per_second)))
            .and_then(|(_, unit)| unit)
    }

    /// Parses RFC 3339 text (an offset is required); digits below a microsecond are cut off.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        let instant = Self(parsed.timestamp_micros());
        instant.is_in_range().then_some(instant)
    }

    /// RFC 3339 text in UTC with microseconds; `None` outside the years that text can hold.
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        DateTime::<Utc>::from_timestamp_micros(self.0)
            .map(|instant| instant.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339; outside the years that it can write, microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_rfc3339() {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_1_and_9999_survive_text() {
        for text in ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"] {
            let instant = Timestamp::parse_rfc3339(text).unwrap();
            assert_eq!(instant.to_rfc3339().unwrap(), text);
        }
        assert_eq!(Timestamp::parse_rfc3339("2026-01-01T00:00:00"), None);
    }

    #[test]
    fn another_unit_is_told_by_its_size() {
        let micros = Timestamp::parse_rfc3339("2026-11-24T10:00:00Z").unwrap().micros();
        for (number, unit) in [
            (micros / 1_000_000, Some("seconds")),
            (micros / 1_000, Some("milliseconds")),
            (micros, None),
            (micros * 1_000, Some("nanoseconds")),
            (0, None),
            (-1, None),
            (i64::MAX, None),
            (Timestamp::EARLIEST.micros(), None),
            (Timestamp::LATEST.micros(), None),
        ] {
            assert_eq!(Timestamp::from_micros(number).mistaken_unit(), unit, "{number}");
        }
    }

    #[test]
    fn milliseconds_before_the_epoch_round_down() {
        assert_eq!(Timestamp::from_micros(-1).millis(), -1);
    }
}
