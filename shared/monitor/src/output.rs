//! Computed events, with their origin.

use event::{Event, EventBuilder, Record, Timestamp, column, id};
use serde::Serialize;

use crate::identity::Identity;
use crate::metric::METRICS_MAX;
use crate::semantics::SEMANTICS;

/// Difference of the ordinals of consecutive outputs about a metric: see [`Output::ordinal`].
pub const ORDINAL_STEP: i64 = 256;

/// Number of counts: one per metric, and one for outputs about none.
const NUMBERED: usize = 1 + METRICS_MAX;

/// The topic of an output.
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
    /// Its topic. Its partition has the number of the input partition.
    pub destination: Destination,
    /// Key of its record: the id of the agent, or the partition number for outputs about the
    /// monitor.
    pub key: Vec<u8>,
    /// The event, complete with origin and `event_id`.
    pub event: Event<'static>,
    /// Ordinal of the output: the outputs of a record about the same metric are numbered from 0,
    /// over all destinations; the ordinal is that number times [`ORDINAL_STEP`], plus the place of
    /// the metric in the list from 1, or 0 if it is about none. So adding or removing a metric does
    /// not renumber other outputs.
    pub ordinal: i64,
}

/// The subject of an output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// The agent; an empty id stands for none.
    agent: &'a Identity,
    version: &'a str,
    /// Place of the metric in the list.
    metric: Option<u8>,
}

impl<'a> About<'a> {
    /// A version of an agent; an empty name stands for the agent itself.
    pub(crate) const fn version(agent: &'a Identity, version: &'a str) -> Self {
        Self { agent, version, metric: None }
    }

    /// A metric of a version.
    pub(crate) const fn metric(agent: &'a Identity, version: &'a str, place: u8) -> Self {
        Self { agent, version, metric: Some(place) }
    }
}

/// Emits the outputs of one record, each as it is computed: one record may close the windows of
/// every agent.
pub(crate) struct Outputs<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    time: i64,
    /// Number of outputs so far about no metric, and about each.
    counts: [u32; NUMBERED],
    emit: &'a mut dyn FnMut(Output),
}

impl<'a> Outputs<'a> {
    /// Outputs of a record; `time` is that of its event.
    pub(crate) fn of(record: &Record<'a>, time: i64, emit: &'a mut dyn FnMut(Output)) -> Self {
        Self {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            time,
            counts: [0; NUMBERED],
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

    /// From here on, the outputs are about something that happened at that time.
    pub(crate) const fn set_time(&mut self, time: i64) {
        self.time = time;
    }

    /// The `event_id` of the next output about a metric (by its place), or about none.
    pub(crate) fn next_id(&self, metric: Option<u8>) -> String {
        id::from_origin(self.topic, self.partition, self.offset, self.next_ordinal(metric))
    }

    fn next_ordinal(&self, metric: Option<u8>) -> i64 {
        let slot = slot(metric);
        let Some(count) = self.counts.get(usize::from(slot)) else {
            unreachable!("no slot {slot}")
        };
        i64::from(*count) * ORDINAL_STEP + i64::from(slot)
    }

    /// Emits an event about a version of an agent, or about no agent if its id is empty; `fill`
    /// sets the fields of its family.
    pub(crate) fn push(
        &mut self,
        destination: Destination,
        kind: &str,
        time: i64,
        About { agent, version, metric }: About<'_>,
        fill: impl FnOnce(EventBuilder) -> EventBuilder,
    ) {
        let version = Some(version).filter(|version| !version.is_empty());
        let key = agent.id.clone().into_bytes();
        self.add(destination, kind, time, (key, metric), |builder| {
            let builder = builder
                .set_some(column::TENANT_ID, agent.tenant.as_deref())
                .set_some(column::ENVIRONMENT, agent.environment.as_deref())
                .set_some(column::AGENT_ID, Some(agent.id.as_str()).filter(|id| !id.is_empty()))
                .set_some(column::AGENT_VERSION, version);
            fill(builder)
        });
    }

    /// Emits an event of the monitor about itself, to the alerts; it names no agent.
    pub(crate) fn push_own(&mut self, kind: &str, fill: impl FnOnce(EventBuilder) -> EventBuilder) {
        let key = self.partition.to_string().into_bytes();
        self.add(Destination::Alerts, kind, self.time, (key, None), fill);
    }

    fn add(
        &mut self,
        destination: Destination,
        kind: &str,
        time: i64,
        (key, metric): (Vec<u8>, Option<u8>),
        fill: impl FnOnce(EventBuilder) -> EventBuilder,
    ) {
        let ordinal = self.next_ordinal(metric);
        let time = time.clamp(Timestamp::EARLIEST.micros(), Timestamp::LATEST.micros());
        let builder = EventBuilder::new(kind)
            .set(column::EVENT_ID, self.next_id(metric))
            .set(column::EVENT_TIME, Timestamp::from_micros(time))
            .set(column::origin::TOPIC, self.topic)
            .set(column::origin::PARTITION, i64::from(self.partition))
            .set(column::origin::OFFSET, self.offset)
            .set(column::origin::ORDINAL, ordinal)
            .set(column::origin::SEMANTICS, SEMANTICS);
        // An event that does not fit the schema is a bug, and a missing output would go unnoticed.
        #[expect(clippy::panic, reason = "see above")]
        let event = fill(builder).build().unwrap_or_else(|error| {
            panic!(
                "the output `{kind}` of {}/{}@{}: {error}",
                self.topic, self.partition, self.offset
            )
        });
        let slot = slot(metric);
        let Some(count) = self.counts.get_mut(usize::from(slot)) else {
            unreachable!("no slot {slot}")
        };
        *count += 1;
        (self.emit)(Output { destination, key, event, ordinal });
    }
}

/// Index of the count of outputs about a metric, by its place.
fn slot(metric: Option<u8>) -> u8 {
    let slot = metric.map_or(0, |place| place + 1);
    assert!(usize::from(slot) < NUMBERED, "there is no place {slot} for a metric");
    slot
}
