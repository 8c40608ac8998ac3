//! Publishing acts to a topic, and reading what the monitor says about them.

use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, column};
use ports::{EventLog, Outgoing, Position, publish_and_wait};
use serde_json::{Value, json};
use service::read::read_ranges;

use crate::outcome::Failure;
use crate::print;

/// Longest wait for the log.
const WAIT: Duration = Duration::from_secs(60);
/// Silence after which the rest of a partition is taken to hold no record; said to the user.
const SILENCE: Duration = Duration::from_secs(10);

/// The record of an event: in the partition named, or in that of its agent.
pub(super) fn record(topic: &str, partition: Option<i32>, event: &Event<'_>) -> Outgoing {
    let mut value = Vec::new();
    event::encode::encode(event, &mut value);
    Outgoing {
        topic: topic.into(),
        partition,
        key: event.text(column::AGENT_ID).map(|agent| agent.as_bytes().to_vec()),
        value: Some(value),
        ..Outgoing::default()
    }
}

/// A position as JSON.
pub(super) fn position(at: &Position) -> Value {
    json!({"partition": at.partition.partition, "offset": at.offset})
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
    let mut ranges = Vec::new();
    for number in 0..log.partitions(topic)? {
        let partition = TopicPartition::new(topic, number);
        let range = log.offsets(&partition)?;
        ranges.push((partition, range.first..range.next));
    }
    let decoder = Decoder::new(Limits::default());
    let missing = read_ranges(log, ranges, SILENCE, |partition, record| {
        show(partition.partition, &decoder.decode(record).event);
    })?;
    for (partition, range) in missing {
        print::note(format!(
            "driftseal: {partition} returned no record of offsets {} to {}; the result may be \
             incomplete",
            range.start,
            range.end - 1
        ));
    }
    Ok(())
}
