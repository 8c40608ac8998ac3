//! Computed events, with their origin.

use event::{Event, EventBuilder, Record, Timestamp, column, id};
use serde::Serialize;

use crate::identity::Identity;
use crate::semantics::SEMANTICS;

/// Topic that an output belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Windows.
    Metrics,
    /// Baselines and alerts.
    Alerts,
}

/// A computed event.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Where it goes; its partition there is the number of the input partition.
    pub destination: Destination,
    /// Key of its record: the agent's id; the number of the partition if the monitor speaks of itself.
    pub key: Vec<u8>,
    /// The event, complete with origin and `event_id`.
    pub event: Event<'static>,
    /// Number among all outputs of the input record, from 0, over all destinations.
    pub ordinal: i64,
}

/// Hands on the outputs of one record, each as it is computed: one record may close the windows of
/// every agent.
pub(crate) struct Outputs<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    time: i64,
    next_ordinal: i64,
    emit: &'a mut dyn FnMut(Output),
}

impl<'a> Outputs<'a> {
    /// Outputs of a record whose event is placed at that time.
    pub(crate) fn of(record: &Record<'a>, time: i64, emit: &'a mut dyn FnMut(Output)) -> Self {
        Self {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            time,
            next_ordinal: 0,
            emit,
        }
    }

    /// Offset of the triggering event.
    pub(crate) const fn offset(&self) -> i64 {
        self.offset
    }

    /// Time of the triggering event.
    pub(crate) const fn time(&self) -> i64 {
        self.time
    }

    /// The `event_id` that the next output will have.
    pub(crate) fn next_id(&self) -> String {
        id::from_origin(self.topic, self.partition, self.offset, self.next_ordinal)
    }

    /// Adds an event about a version of an agent, or about no agent if its id is empty; `fill` sets
    /// the fields of its family.
    pub(crate) fn push(
        &mut self,
        destination: Destination,
        kind: &str,
        time: i64,
        agent: &Identity,
        version: &str,
        fill: impl FnOnce(EventBuilder) -> EventBuilder,
    ) {
        let version = Some(version).filter(|version| !version.is_empty());
        self.add(destination, kind, time, agent.id.clone().into_bytes(), |builder| {
            let builder = builder
                .set_some(column::TENANT_ID, agent.tenant.as_deref())
                .set_some(column::ENVIRONMENT, agent.environment.as_deref())
                .set_some(column::AGENT_ID, Some(agent.id.as_str()).filter(|id| !id.is_empty()))
                .set_some(column::AGENT_VERSION, version);
            fill(builder)
        });
    }

    /// Adds an event of the monitor about itself, to the alerts; it names no agent.
    pub(crate) fn push_own(&mut self, kind: &str, fill: impl FnOnce(EventBuilder) -> EventBuilder) {
        let key = self.partition.to_string().into_bytes();
        self.add(Destination::Alerts, kind, self.time, key, fill);
    }

    fn add(
        &mut self,
        destination: Destination,
        kind: &str,
        time: i64,
        key: Vec<u8>,
        fill: impl FnOnce(EventBuilder) -> EventBuilder,
    ) {
        let ordinal = self.next_ordinal;
        let time = time.clamp(Timestamp::EARLIEST.micros(), Timestamp::LATEST.micros());
        let builder = EventBuilder::new(kind)
            .set(column::EVENT_ID, self.next_id())
            .set(column::EVENT_TIME, Timestamp::from_micros(time))
            .set(column::origin::TOPIC, self.topic)
            .set(column::origin::PARTITION, i64::from(self.partition))
            .set(column::origin::OFFSET, self.offset)
            .set(column::origin::ORDINAL, ordinal)
            .set(column::origin::SEMANTICS, SEMANTICS);
        match fill(builder).build() {
            Ok(event) => {
                self.next_ordinal = self.next_ordinal.saturating_add(1);
                (self.emit)(Output { destination, key, event, ordinal });
            }
            Err(error) => debug_assert!(false, "an output does not fit the schema: {error}"),
        }
    }
}
