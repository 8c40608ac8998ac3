//! The events that a monitor writes into the partitions it reads: ticks, its settings where they are
//! to change, and that it began without a state; and when a tick is due.

use std::time::Duration;

use event::{BuildError, Event, EventBuilder, Record, Timestamp, TimestampType, encode};
use ports::Outgoing;
use service::clock::Stopwatch;
use uuid::Uuid;

/// Kind of the ticks.
const TICK: &str = "monitor.tick";

/// When the next tick of a partition is due, and what it is to say of the partition.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Nothing before the first: it is due at once, so that it shows what waited for us.
    since_tick: Option<Stopwatch>,
    /// Since the last event that is no tick, ours or another's.
    since_event: Stopwatch,
    /// Broker's timestamp of the last record, milliseconds.
    read_until_ms: Option<i64>,
}

impl Pulse {
    pub(crate) fn start() -> Self {
        Self { since_tick: None, since_event: Stopwatch::start(), read_until_ms: None }
    }

    /// A record was read.
    pub(crate) fn saw(&mut self, record: &Record<'_>, event: &Event<'_>) {
        if event.text_at("kind") != Some(TICK) {
            self.since_event = Stopwatch::start();
        }
        if record.timestamp_type != TimestampType::None {
            self.read_until_ms = self.read_until_ms.max(Some(record.timestamp_ms));
        }
    }

    /// Whether a tick is due; if so, the next one is an interval later. An interval of zero is never.
    pub(crate) fn take_due(&mut self, interval: Duration) -> bool {
        let passed = self.since_tick.as_ref().is_none_or(|since| since.has_passed(interval));
        let due = !interval.is_zero() && passed;
        if due {
            self.since_tick = Some(Stopwatch::start());
        }
        due
    }

    /// Whether the partition had no event for an interval.
    pub(crate) fn is_idle(&self, interval: Duration) -> bool {
        self.since_event.has_passed(interval)
    }

    pub(crate) const fn read_until_ms(&self) -> Option<i64> {
        self.read_until_ms
    }
}

/// What a tick says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    /// Offset of the next record to read.
    pub(crate) next_offset: i64,
    /// Where the partition ends.
    pub(crate) end: i64,
    pub(crate) read_until_ms: Option<i64>,
    pub(crate) is_idle: bool,
    /// Offset in each output partition before which every acknowledged output is.
    pub(crate) metrics_next: i64,
    pub(crate) alerts_next: i64,
}

impl Tick {
    /// The event for a partition of a topic.
    pub(crate) fn outgoing(
        &self,
        topic: &str,
        partition: i32,
        monitor_id: &str,
        now_ms: i64,
    ) -> Result<Outgoing, BuildError> {
        let lag = self.end.saturating_sub(self.next_offset).max(0);
        let event = by(TICK, monitor_id, now_ms)
            .set("monitor.next_offset", self.next_offset)
            .set("monitor.lag", lag)
            .set("monitor.idle", self.is_idle)
            .set_some("monitor.read_until", self.read_until_ms.map(Timestamp::from_millis))
            .set("monitor.metrics_next", self.metrics_next)
            .set("monitor.alerts_next", self.alerts_next)
            .build()?;
        Ok(outgoing(topic, partition, &event))
    }
}

/// A `monitor.started` for a partition of a topic: nothing before that record is in the state.
pub(crate) fn started(
    topic: &str,
    partition: i32,
    monitor_id: &str,
    now_ms: i64,
    first_offset: i64,
) -> Result<Outgoing, BuildError> {
    let event = by("monitor.started", monitor_id, now_ms)
        .set("monitor.first_offset", first_offset)
        .set("monitor.semantics", monitor::SEMANTICS)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tick_is_due_at_once_and_none_without_an_interval() {
        let mut pulse = Pulse::start();
        assert!(!pulse.take_due(Duration::ZERO));
        assert!(pulse.take_due(Duration::from_secs(3_600)));
        assert!(!pulse.take_due(Duration::from_secs(3_600)));
        assert!(!pulse.is_idle(Duration::from_secs(3_600)));
    }

    #[test]
    fn a_tick_says_what_waits_and_how_far_the_outputs_are() {
        let tick = Tick {
            next_offset: 40,
            end: 47,
            read_until_ms: Some(1_760_000_000_000),
            is_idle: false,
            metrics_next: 3,
            alerts_next: 5,
        };
        let record = tick.outgoing("agent.events", 2, "processor", 1_760_000_000_500).unwrap();
        let mut batch = event::BatchBuilder::new(event::TopicPartition::new("agent.events", 2));
        let value = record.value.as_deref();
        batch.push(0, 0, TimestampType::None, None, value, std::iter::empty());
        let batch = batch.build();
        let decoder = event::Decoder::new(event::Limits::default());
        let decoded = decoder.decode(&batch.records().next().unwrap());
        assert_eq!(decoded.fault, None);
        let int = |path: &str| decoded.event.int(event::schema().id(path).unwrap());
        let said = ["next_offset", "lag", "metrics_next", "alerts_next"]
            .map(|name| int(&format!("monitor.{name}")));
        assert_eq!(said, [Some(40), Some(7), Some(3), Some(5)]);
        let idle = event::schema().id("monitor.idle").unwrap();
        assert_eq!((record.partition, decoded.event.bool(idle)), (Some(2), Some(false)));
    }
}
