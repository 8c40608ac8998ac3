//! The events that a processor writes into the partitions it reads: ticks, changes of the settings,
//! claims, admissions of acts, and schemas of other writers.

use event::{BuildError, Event, EventBuilder, Timestamp, TopicPartition, column, kind};
use governance::{Admission, Answer};
use monitor::Processor;
use ports::Outgoing;
use service::{RoleError, clock};
use uuid::Uuid;

use crate::config::Config;

/// The content of a tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    /// Offset of the next record to read.
    pub(crate) next_offset: i64,
    /// End of the partition.
    pub(crate) end: i64,
    pub(crate) read_until_ms: Option<i64>,
    pub(crate) is_idle: bool,
    /// Offset, in each output partition, after the last acknowledged output.
    pub(crate) metrics_next: i64,
    pub(crate) alerts_next: i64,
}

impl Tick {
    /// The event.
    ///
    /// # Errors
    ///
    /// An event that does not fit the schema.
    pub(crate) fn event(
        &self,
        monitor_id: &str,
        now_ms: i64,
    ) -> Result<Event<'static>, BuildError> {
        // Records may have been deleted since the end was read.
        let lag = (self.end - self.next_offset).max(0);
        by(kind::MONITOR_TICK, monitor_id, now_ms)
            .set(column::monitor::NEXT_OFFSET, self.next_offset)
            .set(column::monitor::LAG, lag)
            .set(column::monitor::IDLE, self.is_idle)
            .set_some(column::monitor::READ_UNTIL, self.read_until_ms.map(Timestamp::from_millis))
            .set(column::monitor::METRICS_NEXT, self.metrics_next)
            .set(column::monitor::ALERTS_NEXT, self.alerts_next)
            .build()
    }
}

/// An event that claims a partition; with `first_offset`, of a monitor that started without state from
/// there on.
///
/// # Errors
///
/// An event that does not fit the schema.
pub(crate) fn started(
    monitor_id: &str,
    now_ms: i64,
    first_offset: Option<i64>,
) -> Result<Event<'static>, BuildError> {
    by(kind::MONITOR_STARTED, monitor_id, now_ms)
        .set_some(column::monitor::FIRST_OFFSET, first_offset)
        .set(column::monitor::SEMANTICS, monitor::SEMANTICS)
        .build()
}

/// An event that puts settings, metrics and detectors in force from its offset on.
///
/// # Errors
///
/// An event that does not fit the schema.
fn configured(monitor_id: &str, now_ms: i64, settings: &str) -> Result<Event<'static>, BuildError> {
    let [metrics, detectors] = monitor::Catalogue::default().versions().to_maps();
    by(kind::MONITOR_CONFIGURED, monitor_id, now_ms)
        .set(column::monitor::SETTINGS, settings)
        .set(column::monitor::METRICS, metrics)
        .set(column::monitor::DETECTORS, detectors)
        .build()
}

/// The event that puts the configured settings in force, if others are.
///
/// # Errors
///
/// Settings that have no JSON form, or an event that does not fit the schema.
pub(crate) fn configuration(
    config: &Config,
    machine: &Processor,
) -> Result<Option<Event<'static>>, RoleError> {
    let catalogue = monitor::Catalogue::default();
    if *machine.settings() == config.monitor && machine.versions() == catalogue.versions() {
        return Ok(None);
    }
    let settings = config.monitor.to_json();
    let settings =
        settings.map_err(|error| RoleError::Config(vec![format!("monitor: {error}")]))?;
    configured(&config.monitor_id, clock::now_ms(), &settings)
        .map(Some)
        .map_err(|error| RoleError::output(kind::MONITOR_CONFIGURED, &error))
}

/// An event that puts acts in force from its offset on.
///
/// # Errors
///
/// An event that does not fit the schema.
pub(crate) fn admitted(
    monitor_id: &str,
    now_ms: i64,
    admission: &Admission,
) -> Result<Event<'static>, BuildError> {
    admission.write(by(kind::MONITOR_ADMITTED, monitor_id, now_ms)).build()
}

/// An event that says what is known of the schemas of other writers.
///
/// # Errors
///
/// An event that does not fit the schema.
pub(crate) fn schemas(
    monitor_id: &str,
    now_ms: i64,
    answer: &Answer,
) -> Result<Event<'static>, BuildError> {
    answer.write(by(kind::MONITOR_SCHEMAS, monitor_id, now_ms)).build()
}

/// An event of a monitor about itself.
fn by(kind: &str, monitor_id: &str, now_ms: i64) -> EventBuilder {
    EventBuilder::new(kind)
        .set(column::EVENT_ID, Uuid::now_v7().to_string())
        .set(column::EVENT_TIME, Timestamp::from_millis(now_ms))
        .set(column::actor::TYPE, "service")
        .set(column::actor::ID, monitor_id)
        .set(column::monitor::ID, monitor_id)
}

/// The record of an event in a partition. It is JSON: what tells readers of a schema must not need that
/// schema to be read.
pub(crate) fn record(event: &Event<'_>, partition: &TopicPartition) -> Outgoing {
    let topic = std::sync::Arc::clone(&partition.topic);
    Outgoing::event_as_json(topic, event).in_partition(partition.partition)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let partition = TopicPartition::new("agent.events", 2);
        let record = record(&tick.event("processor", 1_760_000_000_500).unwrap(), &partition);
        let mut batch = event::BatchBuilder::new(partition);
        let value = record.value.as_deref();
        batch.push(0, 0, event::TimestampType::None, None, value, std::iter::empty());
        let batch = batch.build();
        let decoder = event::Decoder::new(event::Limits::default());
        let decoded = decoder.decode(&batch.records().next().unwrap());
        assert_eq!(decoded.fault, None);
        let said = [
            column::monitor::NEXT_OFFSET,
            column::monitor::LAG,
            column::monitor::METRICS_NEXT,
            column::monitor::ALERTS_NEXT,
        ]
        .map(|column| decoded.event.int(column));
        assert_eq!(said, [Some(40), Some(7), Some(3), Some(5)]);
        let idle = column::monitor::IDLE;
        assert_eq!((record.partition, decoded.event.bool(idle)), (Some(2), Some(false)));
    }
}
