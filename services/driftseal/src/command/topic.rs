//! Publishes acts to a topic, and reads the answers of the monitor.

use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, column};
use ports::{EventLog, Outgoing, Position, publish_and_wait};
use serde_json::{Value, json};
use service::read::read_ranges;

use crate::outcome::Failure;
use crate::print;

/// Longest wait for an acknowledgement.
const WAIT: Duration = Duration::from_secs(60);
/// Longest wait for the next record; then the rest of a partition is taken to hold none, with a note.
const SILENCE: Duration = Duration::from_secs(10);

/// The record of an event, for `partition` or for that of its agent.
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

/// Publishes records; returns their positions.
pub(super) fn publish(
    log: &dyn EventLog,
    records: Vec<Outgoing>,
) -> Result<Vec<Position>, Failure> {
    Ok(publish_and_wait(&*log.producer(), records, WAIT)?)
}

/// Publishes a record; returns its position.
pub(super) fn publish_one(log: &dyn EventLog, record: Outgoing) -> Result<Position, Failure> {
    let position = publish(log, vec![record])?.into_iter().next();
    let Some(position) = position else { unreachable!("an acknowledged record has a position") };
    Ok(position)
}

/// Calls `show` with each event that a topic holds now, and its partition.
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
            "driftseal: no records received for offsets {} to {} of {partition}; the result may be \
             incomplete",
            range.start,
            range.end - 1
        ));
    }
    Ok(())
}
