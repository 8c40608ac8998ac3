//! What the processor must have said, computed again from the sealed rows alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use event::{Decoded, Event, Headers, Record, column};
use governance::Ownership;
use monitor::{Destination, Output, Processor, Settings};

use crate::owner::unsigned;
use crate::sealed::Sealed;
use crate::traffic::Window;

/// Computed events by their identifier.
pub type Computed = HashMap<String, Event<'static>>;

/// All outputs for the rows of the events topic, per destination.
#[derive(Debug, Default)]
pub struct Recomputed {
    /// Windows.
    pub metrics: Computed,
    /// Baselines and alerts.
    pub alerts: Computed,
    /// Quarantined rows by reason.
    pub faults: BTreeMap<String, u64>,
    /// Offset and event id of each row of each partition, in the order of the archive.
    pub rows: BTreeMap<i32, Vec<(i64, String)>>,
    /// Every event id, with the number of rows that have it.
    pub event_ids: HashMap<String, u32>,
}

impl Recomputed {
    /// From the rows of `topic` before the given ends of its partitions.
    #[must_use]
    pub fn from(
        sealed: &Sealed,
        topic: &str,
        ends: &BTreeMap<i32, i64>,
        settings: &Settings,
    ) -> Self {
        let mut recomputed = Self::default();
        let mut processors: HashMap<i32, Processor> = HashMap::new();
        sealed.rows(topic, |partition, row| {
            let number = partition.partition;
            if ends.get(&number).is_none_or(|end| row.offset >= *end) {
                return;
            }
            let id = row.event.text(column::EVENT_ID).unwrap_or_default().to_owned();
            recomputed.rows.entry(number).or_default().push((row.offset, id.clone()));
            *recomputed.event_ids.entry(id).or_default() += 1;
            let reason = row.event.text(column::quarantine::REASON);
            if let Some(reason) = reason {
                *recomputed.faults.entry(reason.to_owned()).or_default() += 1;
            }
            let record = Record {
                topic,
                partition: number,
                offset: row.offset,
                timestamp_ms: row.timestamp_ms,
                timestamp_type: row.timestamp_type,
                key: None,
                value: None,
                headers: Headers::default(),
            };
            let decoded = Decoded {
                event: row.event.clone(),
                schema_id: Cow::Owned(row.schema_id.to_owned()),
                fault: reason.map(fault_of),
            };
            let processor = processors.entry(number).or_insert_with(|| {
                Processor::new(settings.clone(), topic, number)
                    .with_ownership(Ownership::new(sealed.trust()))
            });
            processor.handle_record_into(&record, &decoded, &mut |output| recomputed.take(output));
        });
        recomputed
    }

    fn take(&mut self, output: Output) {
        let into = match output.destination {
            Destination::Metrics => &mut self.metrics,
            Destination::Alerts => &mut self.alerts,
        };
        let id = output.event.text(column::EVENT_ID).unwrap_or_default().to_owned();
        into.insert(id, output.event);
    }
}

/// The processor asks only whether there is a fault.
fn fault_of(reason: &str) -> event::Fault {
    let known = event::Reason::ALL.into_iter().find(|known| known.name() == reason);
    let reason = known.unwrap_or(event::Reason::UnknownEncoding);
    event::Fault { reason, pointer: String::new(), detail: String::new() }
}

/// The computed events that a topic of the archive holds, without what says who signed them; and how many rows only repeat one.
///
/// # Panics
///
/// If two rows have the same id and are not the same event.
#[must_use]
pub fn sealed_events(sealed: &Sealed, topic: &str) -> (Computed, u64) {
    let mut events = Computed::new();
    let mut repeated = 0;
    sealed.rows(topic, |partition, row| {
        let id = row.event.text(column::EVENT_ID).unwrap_or_default().to_owned();
        let event = unsigned(&row.event.clone().into_owned());
        if let Some(earlier) = events.get(&id) {
            assert_eq!(*earlier, event, "{partition}@{}: another event, same id", row.offset);
            repeated += 1;
        } else {
            events.insert(id, event);
        }
    });
    (events, repeated)
}

/// Count and sum of each window of five minutes as its last revision says.
#[must_use]
pub fn last_revisions(metrics: &Computed) -> BTreeMap<Window, (i64, f64)> {
    let mut last: BTreeMap<Window, (i64, i64, f64)> = BTreeMap::new();
    for event in metrics.values() {
        let text = |column| event.text(column).unwrap_or_default().to_owned();
        let int = |column| event.int(column).unwrap_or(0);
        let instant = |column| event.time(column).map_or(0, event::Timestamp::micros);
        let start = instant(column::metric::WINDOW_START);
        if instant(column::metric::WINDOW_END) - start != monitor::Span::Minutes.micros() {
            continue;
        }
        let name = match text(column::metric::NAME).as_str() {
            "run.count" => "run.count",
            "run.error_rate" => "run.error_rate",
            "tool.error_rate" => "tool.error_rate",
            "eval.pass_rate" => "eval.pass_rate",
            _ => continue,
        };
        let window = (
            text(column::AGENT_ID),
            text(column::AGENT_VERSION),
            start,
            name,
            text(column::metric::SUITE),
        );
        let revision = int(column::metric::REVISION);
        let count = int(column::metric::COUNT);
        let sum = event.number(column::metric::SUM);
        // A count has no sum of its own.
        let sum = sum.or_else(|| event.number(column::metric::VALUE));
        let entry = last.entry(window).or_insert((-1, 0, 0.0));
        if revision > entry.0 {
            *entry = (revision, count, sum.unwrap_or(f64::NAN));
        }
    }
    last.into_iter().map(|(window, (_, count, sum))| (window, (count, sum))).collect()
}
