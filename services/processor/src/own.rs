//! The events that a monitor writes into the partitions it reads: a tick into an idle one, its
//! settings where they are to change.

use event::{BuildError, Event, EventBuilder, Timestamp, encode};
use ports::Outgoing;
use uuid::Uuid;

/// A `monitor.tick` for a partition of a topic.
pub(crate) fn tick(
    topic: &str,
    partition: i32,
    monitor_id: &str,
    now_ms: i64,
    next_offset: i64,
) -> Result<Outgoing, BuildError> {
    let event = by("monitor.tick", monitor_id, now_ms)
        .set("monitor.next_offset", next_offset)
        .set("monitor.lag", 0_i64)
        .build()?;
    Ok(outgoing(topic, partition, &event))
}

/// A `monitor.configured` for a partition of a topic.
pub(crate) fn configured(
    topic: &str,
    partition: i32,
    monitor_id: &str,
    now_ms: i64,
    settings: &str,
) -> Result<Outgoing, BuildError> {
    let event =
        by("monitor.configured", monitor_id, now_ms).set("monitor.settings", settings).build()?;
    Ok(outgoing(topic, partition, &event))
}

/// An event of a monitor about itself.
fn by(kind: &str, monitor_id: &str, now_ms: i64) -> EventBuilder {
    EventBuilder::new(kind)
        .set("event_id", Uuid::now_v7().to_string())
        .set("event_time", Timestamp::from_millis(now_ms))
        .set("actor.type", "service")
        .set("actor.id", monitor_id)
        .set("monitor.id", monitor_id)
}

fn outgoing(topic: &str, partition: i32, event: &Event<'_>) -> Outgoing {
    let mut value = Vec::new();
    encode::encode(event, &mut value);
    Outgoing {
        topic: topic.into(),
        partition: Some(partition),
        key: None,
        value: Some(value),
        headers: Vec::new(),
    }
}
