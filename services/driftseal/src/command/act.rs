//! What the acts of people share: who says so and why, until when, where it is published, and how
//! the events beside it are read.

use std::time::Duration;

use event::typed::Text;
use event::{
    BuildError, Decoder, Event, EventBuilder, Limits, Timestamp, TopicPartition, TypedColumn,
    column,
};
use ports::{EventLog, Outgoing, Polled, Position, Subscription, publish_and_wait};
use service::clock::{Stopwatch, now_micros};

use super::Failure;

/// Longest wait for the log.
const WAIT: Duration = Duration::from_secs(60);
/// Silence after which the rest of a partition is taken to hold no record.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest time that the monitor keeps quiet.
const AHEAD_DAYS_MAX: i64 = 30;
const SECOND: i64 = 1_000_000;

/// Who acts, and why.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Who {
    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

impl Who {
    /// An event by this person. The reason goes to the column of that name.
    pub(super) fn event(
        &self,
        kind: &str,
        reason: TypedColumn<Text>,
    ) -> Result<EventBuilder, Failure> {
        for (name, value) in [("--by", &self.by), ("--reason", &self.reason)] {
            if value.trim().is_empty() {
                return Err(Failure::usage(format!("`{name}` must not be empty")));
            }
        }
        Ok(EventBuilder::new(kind)
            .set(column::EVENT_ID, uuid::Uuid::now_v7().to_string())
            .set(column::EVENT_TIME, Timestamp::from_micros(now_micros()))
            .set(column::actor::TYPE, "human")
            .set(column::actor::ID, self.by.as_str())
            .set(column::actor::EVIDENCE_LEVEL, "self_reported")
            .set(reason, self.reason.as_str()))
    }
}

/// From when until when.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Stretch {
    /// When it begins, RFC 3339; now, if it is not given
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(super) from: Option<Timestamp>,
    /// When it ends, RFC 3339; at most 30 days ahead
    #[arg(
        long,
        value_name = "TIME",
        value_parser = parse_time,
        required_unless_present = "duration",
        conflicts_with = "duration"
    )]
    pub(super) until: Option<Timestamp>,
    /// How long it lasts: 90s, 30m, 2h or 7d
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(super) duration: Option<i64>,
}

impl Stretch {
    /// Beginning and end, for somebody who asks at `now`.
    pub(super) fn resolve(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
        let from = self.from.unwrap_or(now);
        let (name, until) = match (self.until, self.duration) {
            (Some(until), _) => ("--until", until),
            (None, Some(micros)) => {
                ("--for", Timestamp::from_micros(from.micros().saturating_add(micros)))
            }
            (None, None) => return Err(Failure::usage("`--until` or `--for` is needed")),
        };
        if until <= from || until <= now {
            return Err(Failure::usage(format!(
                "`{name}`: it would end at {}, which is not after its beginning and now",
                text_of(until)
            )));
        }
        let last = now.micros().saturating_add(AHEAD_DAYS_MAX * 24 * 3_600 * SECOND);
        if until.micros() > last {
            return Err(Failure::usage(format!(
                "`{name}`: it would end at {}, which is more than {AHEAD_DAYS_MAX} days ahead",
                text_of(until)
            )));
        }
        Ok((from, until))
    }
}

/// A line for a person: what it is, and of some names those that have a value.
pub(super) fn line(what: &str, named: &[(&str, &Option<String>)]) -> String {
    let mut line = what.to_owned();
    for (name, value) in named {
        if let Some(value) = value {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    line
}

/// An instant for a person.
pub(super) fn text_of(time: Timestamp) -> String {
    time.to_rfc3339().unwrap_or_else(|| format!("{} us", time.micros()))
}

/// An instant, RFC 3339 with an offset.
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "write it like 2026-03-01T18:00:00Z, with an offset".to_owned())
}

/// Microseconds of `90s`, `30m`, `2h`, `7d`.
fn parse_duration(text: &str) -> Result<i64, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 24 * 3_600)];
    let parsed = units.into_iter().find_map(|(unit, secs)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        i64::from(number).checked_mul(secs)?.checked_mul(SECOND)
    });
    let parsed = parsed.filter(|micros| *micros > 0);
    parsed.ok_or_else(|| "write a number and a unit: 90s, 30m, 2h or 7d".to_owned())
}

/// The record of an event: in the partition named, or in that of its agent.
pub(super) fn record(
    topic: &str,
    partition: Option<i32>,
    event: Result<Event<'static>, BuildError>,
) -> Result<Outgoing, Failure> {
    let event = event?;
    let mut value = Vec::new();
    event::encode::encode(&event, &mut value);
    Ok(Outgoing {
        topic: topic.into(),
        partition,
        key: event.text(column::AGENT_ID).map(|agent| agent.as_bytes().to_vec()),
        value: Some(value),
        ..Outgoing::default()
    })
}

/// Publishes records; where each is.
pub(super) fn publish(
    log: &dyn EventLog,
    records: Vec<Outgoing>,
) -> Result<Vec<Position>, Failure> {
    Ok(publish_and_wait(&*log.producer(), records, WAIT)?)
}

/// Publishes one record; where it is.
pub(super) fn publish_one(log: &dyn EventLog, record: Outgoing) -> Result<Position, Failure> {
    let positions = publish(log, vec![record])?;
    positions.into_iter().next().ok_or_else(|| Failure::new("the log gave no position"))
}

/// Shows every event of a topic up to where each partition ends now, with its partition.
pub(super) fn read_topic(
    log: &dyn EventLog,
    topic: &str,
    mut show: impl FnMut(i32, &Event<'_>),
) -> Result<(), Failure> {
    for number in 0..log.partitions(topic)? {
        read(log, &TopicPartition::new(topic, number), |event| show(number, event))?;
    }
    Ok(())
}

/// Shows every event of a partition up to where it ends now.
pub(super) fn read(
    log: &dyn EventLog,
    partition: &TopicPartition,
    mut show: impl FnMut(&Event<'_>),
) -> Result<(), Failure> {
    let range = log.offsets(partition)?;
    let mut next = range.first;
    if next >= range.next {
        return Ok(());
    }
    let decoder = Decoder::new(Limits::default());
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()]))?;
    let mut silent = Stopwatch::start();
    while next < range.next && !silent.has_passed(SILENCE) {
        match consumer.poll(Duration::from_millis(250))? {
            Polled::Assigned(_) => consumer.seek(partition, next)?,
            Polled::Batch(batch) => {
                batch.records().for_each(|record| show(&decoder.decode(&record).event));
                next = batch.next_offset().unwrap_or(next).max(next);
                silent = Stopwatch::start();
            }
            Polled::Idle | Polled::Revoked(_) => {}
        }
    }
    Ok(())
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

    #[test]
    fn an_end_is_after_now_and_within_a_month_and_the_option_is_named() {
        let now = Timestamp::from_micros(1_000 * SECOND);
        let at = |secs: i64| Some(Timestamp::from_micros(secs * SECOND));
        let stretch = |from, until, duration: Option<i64>| {
            let duration = duration.map(|secs| secs * SECOND);
            Stretch { from, until, duration }.resolve(now)
        };
        let (from, until) = stretch(None, None, Some(60)).unwrap();
        assert_eq!((from, Some(until)), (now, at(1_060)));
        let (from, until) = stretch(at(2_000), None, Some(60)).unwrap();
        assert_eq!((Some(from), Some(until)), (at(2_000), at(2_060)));
        for (from, until, duration, says) in [
            (None, at(1_000), None, "`--until`: it would end at 1970-01-01T00:16:40"),
            (at(2_000), at(1_500), None, "not after its beginning"),
            (at(1), None, Some(10), "`--for`"),
            (None, None, Some(31 * 24 * 3_600), "more than 30 days ahead"),
            (None, None, None, "`--until` or `--for` is needed"),
        ] {
            let failure = stretch(from, until, duration).unwrap_err();
            assert!(failure.message().contains(says), "{}", failure.message());
        }
    }
}
