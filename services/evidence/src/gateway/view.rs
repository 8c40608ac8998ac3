//! What is in force, read from the log: firing alerts, suppressions, maintenance windows, baselines.
//!
//! The view is kept between requests and reads on, so that a list costs what is new. Only records that
//! the processor signed, and acts that the gateway signed, are believed; others are counted.

use std::collections::BTreeMap;
use std::time::Duration;

use act::InForce;
use act::alert::Open;
use act::maintenance::MAINTENANCE;
use act::suppression::SUPPRESSION;
use event::{Decoder, Event, Limits, Record, Timestamp, TopicPartition, column, kind};
use governance::{Trust, verify_act, verify_alert};
use ports::EventLog;
use service::read::read_ranges;

use super::parts::Topics;
use super::rejection::Rejection;

/// Most alerts, and most of each other list. Beyond it nothing is added, which is said.
const ENTRIES_MAX: usize = 100_000;

/// The baseline of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Baseline {
    pub(super) kind: Option<String>,
    pub(super) version: Option<String>,
    pub(super) count: Option<i64>,
    /// Mean of the baseline; for sizes its median.
    pub(super) value: Option<f64>,
    pub(super) detector: Option<String>,
    /// Why there is no detector.
    pub(super) reason: Option<String>,
    /// When it was set, by the broker's clock.
    pub(super) set_at: Timestamp,
}

/// Identity of a stream: agent, environment, version, metric, suite and tenant.
pub(super) type Stream = [Option<String>; 6];

/// What is in force.
#[derive(Debug)]
pub(super) struct View {
    /// Where to read on, by partition, with the identity of the topic.
    next: BTreeMap<TopicPartition, (String, i64)>,
    decoder: Decoder,
    pub(super) alerts: BTreeMap<String, Open>,
    pub(super) suppressions: BTreeMap<String, InForce>,
    pub(super) windows: BTreeMap<String, InForce>,
    pub(super) baselines: BTreeMap<Stream, Baseline>,
    /// Records that claimed to be the monitor's or an act and were neither.
    pub(super) forged: u64,
    /// Records that were left out because a list was full.
    pub(super) left_out: u64,
}

impl View {
    pub(super) fn new() -> Self {
        Self {
            next: BTreeMap::new(),
            decoder: Decoder::new(Limits::default()),
            alerts: BTreeMap::new(),
            suppressions: BTreeMap::new(),
            windows: BTreeMap::new(),
            baselines: BTreeMap::new(),
            forged: 0,
            left_out: 0,
        }
    }

    /// Reads on to the end of the topics.
    pub(super) fn advance(
        &mut self,
        log: &dyn EventLog,
        topics: &Topics,
        trust: &Trust,
        wait: Duration,
    ) -> Result<(), Rejection> {
        // Answers follow the alerts that they answer.
        for topic in [&topics.alerts, &topics.governance] {
            let id = log.topic_id(topic)?;
            if self.next.iter().any(|(at, (known, _))| *at.topic == **topic && *known != id) {
                // Another topic of that name: nothing of the old one is in force.
                *self = Self::new();
            }
        }
        self.read(log, &topics.alerts, wait, |view, partition, record, event| {
            view.monitor_said(trust, partition, record, event);
        })?;
        self.read(log, &topics.governance, wait, |view, _, record, event| {
            view.person_said(trust, record, event);
        })
    }

    fn read(
        &mut self,
        log: &dyn EventLog,
        topic: &str,
        wait: Duration,
        mut show: impl FnMut(&mut Self, &TopicPartition, &Record<'_>, &Event<'_>),
    ) -> Result<(), Rejection> {
        let id = log.topic_id(topic)?;
        let mut ranges = Vec::new();
        for number in 0..log.partitions(topic)? {
            let partition = TopicPartition::new(topic, number);
            let held = log.offsets(&partition)?;
            let known = self.next.get(&partition).map(|(_, next)| *next);
            let from = known.unwrap_or(held.first).max(held.first);
            ranges.push((partition, from..held.next));
        }
        let ends: Vec<_> = ranges.iter().map(|(at, range)| (at.clone(), range.end)).collect();
        let decoder = self.decoder.clone();
        let missing = read_ranges(log, ranges, wait, |partition, record| {
            show(self, partition, record, &decoder.decode(record).event);
        })?;
        if let Some((partition, range)) = missing.first() {
            // What was read is forgotten with it: the next request reads all of it again.
            *self = Self::new();
            return Err(Rejection::Incomplete(format!(
                "no records came for offsets {} to {} of {partition}; the list would be incomplete",
                range.start,
                range.end - 1
            )));
        }
        for (partition, end) in ends {
            self.next.insert(partition, (id.clone(), end));
        }
        Ok(())
    }

    /// An event of the alerts topic.
    fn monitor_said(
        &mut self,
        trust: &Trust,
        partition: &TopicPartition,
        record: &Record<'_>,
        event: &Event<'_>,
    ) {
        let Some(kind) = event.text(column::KIND) else { return };
        let is_listed = [
            kind::DRIFT_ALERT_FIRING,
            kind::DRIFT_ALERT_RESOLVED,
            kind::DRIFT_BASELINE_SET,
            SUPPRESSION.applied,
            MAINTENANCE.applied,
        ]
        .contains(&kind)
            || SUPPRESSION.closed == Some(kind);
        if !is_listed {
            return;
        }
        if !is_of_processor(trust, partition, event) {
            self.forged += 1;
            return;
        }
        let number = partition.partition;
        let at = Timestamp::from_millis(record.timestamp_ms);
        match kind {
            kind::DRIFT_ALERT_FIRING if self.alerts.len() >= ENTRIES_MAX => self.left_out += 1,
            kind::DRIFT_ALERT_FIRING | kind::DRIFT_ALERT_RESOLVED => {
                Open::apply(&mut self.alerts, number, at, event);
            }
            kind::DRIFT_BASELINE_SET => self.baseline(at, event),
            _ => {
                for (timed, all) in
                    [(&SUPPRESSION, &mut self.suppressions), (&MAINTENANCE, &mut self.windows)]
                {
                    if all.len() >= ENTRIES_MAX && kind == timed.applied {
                        self.left_out += 1;
                    } else {
                        InForce::apply(all, timed, number, event);
                    }
                }
            }
        }
    }

    /// An event of the governance topic.
    fn person_said(&mut self, trust: &Trust, record: &Record<'_>, event: &Event<'_>) {
        if verify_act(trust, event).is_err() {
            self.forged += 1;
            return;
        }
        let at = Timestamp::from_millis(record.timestamp_ms);
        // The partition is that of the alert, which is known.
        Open::apply(&mut self.alerts, 0, at, event);
    }

    fn baseline(&mut self, at: Timestamp, event: &Event<'_>) {
        let text = |column| event.text(column).map(str::to_owned);
        let stream = [
            text(column::AGENT_ID),
            text(column::ENVIRONMENT),
            text(column::AGENT_VERSION),
            text(column::drift::METRIC),
            text(column::drift::SUITE),
            text(column::TENANT_ID),
        ];
        if self.baselines.len() >= ENTRIES_MAX && !self.baselines.contains_key(&stream) {
            self.left_out += 1;
            return;
        }
        let baseline = Baseline {
            kind: text(column::drift::BASELINE_KIND),
            version: text(column::drift::BASELINE_VERSION),
            count: event.int(column::drift::BASELINE_COUNT),
            value: event.number(column::drift::BASELINE_VALUE),
            detector: text(column::drift::DETECTOR),
            reason: text(column::drift::REASON),
            set_at: at,
        };
        self.baselines.insert(stream, baseline);
    }
}

/// Whether the processor wrote an event of the alerts topic, for this partition.
fn is_of_processor(trust: &Trust, partition: &TopicPartition, event: &Event<'_>) -> bool {
    let topic = event.text(column::origin::TOPIC);
    let number = event.int(column::origin::PARTITION);
    match topic {
        Some(topic) if number == Some(i64::from(partition.partition)) => {
            verify_alert(trust, (topic, partition.partition), event).is_ok()
        }
        Some(_) | None => false,
    }
}
