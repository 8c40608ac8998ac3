//! Options shared by the commands that act.

use event::Timestamp;
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::repeat;

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

/// Who records, for whom, and what makes the same command the same act.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RecordArgs {
    /// Name of the person or pipeline that acts
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Tenant, if the events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Name of this execution, such as the run of a pipeline: under it, this is one act however often it is
    /// repeated [default: all that the act says]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl RecordArgs {
    /// Records an act of a kind, with the fields of its family.
    pub(super) fn act(&self, context: &Context, body: Body) -> Result<Value, Failure> {
        let body = body.with("by", self.by.as_str()).with_some("tenant_id", self.tenant.as_deref());
        let id = repeat::identifier(body.object(), self.idempotency_key.as_deref());
        Gateway::open(&context.load()?)?.act(&body.with("event_id", id))
    }

    /// The same, and prints where.
    pub(super) fn record(&self, context: &Context, body: Body) -> Result<Ended, Failure> {
        gateway::show(&self.act(context, body)?, context.output, "");
        Ok(Ended::Done)
    }
}

/// An object with the fields that are given.
pub(super) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.collect()
}

/// A text as a field.
pub(super) fn text(value: Option<String>) -> Option<Value> {
    value.map(Value::String)
}

/// A list as a field; none if it is empty.
pub(super) fn list(values: Vec<String>) -> Option<Value> {
    (!values.is_empty()).then(|| json!(values))
}

/// A policy and its version, `ID@VERSION`.
pub(super) fn parse_policy(text: &str) -> Result<(String, String), String> {
    let parts = text.rsplit_once('@').filter(|(id, version)| !id.is_empty() && !version.is_empty());
    let (id, version) = parts.ok_or("expected ID@VERSION, such as refunds@7")?;
    Ok((id.to_owned(), version.to_owned()))
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
pub(super) fn parse_duration(text: &str) -> Result<i64, String> {
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
