//! Options shared by the commands that act.

use event::Timestamp;

use crate::gateway::Body;

const SECOND: i64 = 1_000_000;

/// The actor and the reason.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ActorArgs {
    /// Name of the person or pipeline that acts
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

impl ActorArgs {
    /// Sets the fields of a request.
    pub(super) fn put(&self, body: Body) -> Body {
        body.with("by", self.by.as_str()).with("reason", self.reason.as_str())
    }
}

/// The period of an act.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(group(clap::ArgGroup::new("end").required(true)))]
pub(super) struct PeriodArgs {
    /// Start, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(super) from: Option<Timestamp>,
    /// End, RFC 3339; at most 30 days ahead
    #[arg(
        long,
        value_name = "TIME",
        value_parser = parse_time,
        group = "end"
    )]
    pub(super) until: Option<Timestamp>,
    /// Duration: 90s, 30m, 2h or 7d
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, group = "end")]
    pub(super) duration: Option<i64>,
}

impl PeriodArgs {
    /// Sets the fields of a request.
    pub(super) fn put(&self, body: Body) -> Body {
        body.with_some("from", self.from.map(|from| from.to_string()))
            .with_some("until", self.until.map(|until| until.to_string()))
            .with_some("for_secs", self.duration.map(|micros| micros / SECOND))
    }
}

/// Parses a time, RFC 3339 with an offset.
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "expected RFC 3339 with an offset, such as 2026-03-01T18:00:00Z".to_owned())
}

/// Parses a duration such as `90s`, `30m`, `2h`, `7d` into microseconds.
fn parse_duration(text: &str) -> Result<i64, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 24 * 3_600)];
    let parsed = units.into_iter().find_map(|(unit, secs)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        i64::from(number).checked_mul(secs)?.checked_mul(SECOND)
    });
    let parsed = parsed.filter(|micros| *micros > 0);
    parsed.ok_or_else(|| "expected a number and a unit: 90s, 30m, 2h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_times_an_offset() {
        let read = ["90s", "30m", "2h", "7d"].map(|text| parse_duration(text).unwrap() / SECOND);
        assert_eq!(read, [90, 1_800, 7_200, 604_800]);
        for wrong in ["", "h", "2", "0h", "-1h", "2 h", "1.5h", "2w", "9999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        assert!(parse_time("2026-03-01T18:00:00+01:00").is_ok());
        assert!(parse_time("2026-03-01").is_err());
    }
}
