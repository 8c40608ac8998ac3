//! The numbers of a pack. All of them follow from what is verified, and are counted again by
//! whoever verifies.

use std::collections::{BTreeMap, BTreeSet};

use event::typed::Text;
use event::{ColumnId, Event, TopicPartition, TypedColumn, column, schema};
use segment::chain::Chain;
use segment::facts::SegmentFacts;
use segment::fault::Fault;
use serde::Serialize;

use crate::scope::{Scope, instant};

/// Most notable events that the report lists.
const NOTABLE_MAX: usize = 200;

/// What a pack holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Origin of the log.
    pub origin: String,
    /// Entries of the log.
    pub log_size: u64,
    /// Root of the log, hexadecimal.
    pub log_root: String,
    /// Segments of the log whose records may be in the period.
    pub segments_in_period: u64,
    /// Those of them that hold events of the agent.
    pub segments_with_events: u64,
    /// Events of the agent in these segments.
    pub events_in_segments: u64,
    /// Those of them in the period.
    pub events: u64,
    /// Events in the period by kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Events in the period by agent version; those that name none are under the empty text.
    pub by_version: BTreeMap<String, u64>,
    /// Records in these segments that did not decode, of any agent: some may be of this one.
    pub quarantined_of_any_agent: u64,
    /// Versions of the computation that made the computed events in the period.
    pub semantics: BTreeSet<i64>,
    /// Broker time of the first event in the period.
    pub first: Option<String>,
    /// Broker time of the last event in the period.
    pub last: Option<String>,
    /// What the log holds, by partition.
    pub partitions: Vec<PartitionSummary>,
    /// Columns that some event in the period fills.
    #[serde(skip)]
    pub(crate) columns: BTreeSet<ColumnId>,
    /// Events that a reader looks for first.
    #[serde(skip)]
    pub(crate) notable: Vec<Notable>,
    #[serde(skip)]
    pub(crate) notable_dropped: u64,
    #[serde(skip)]
    pub(crate) range_ms: Option<(i64, i64)>,
}

/// What the log holds of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionSummary {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Segments of the log.
    pub segments: u64,
    /// Offset after the last one that is sealed.
    pub next_offset: i64,
    /// Those of its segments that touch the period.
    pub in_period: Option<Covered>,
}

/// What the segments of a partition that touch the period cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Segments.
    pub segments: u64,
    /// First offset.
    pub first_offset: i64,
    /// Offset after the last one.
    pub next_offset: i64,
    /// Events, of any agent.
    pub events: u64,
    /// Offsets that hold no record.
    pub gaps: u64,
}

impl PartitionSummary {
    /// From the ends of all chains, and the segments that touch the period.
    pub(crate) fn of<'f>(
        ends: &BTreeMap<TopicPartition, Chain>,
        segments: impl Iterator<Item = &'f SegmentFacts>,
    ) -> Result<Vec<Self>, Fault> {
        let mut covered: BTreeMap<&TopicPartition, Covered> = BTreeMap::new();
        for facts in segments {
            let fault = || {
                let place = facts.partition.to_string();
                Fault::new("counts of a partition", place, "numbers", "an overflow")
            };
            let range = facts.next_offset.checked_sub(facts.first_offset);
            let range = range.and_then(|range| u64::try_from(range).ok());
            let gaps = range.and_then(|range| range.checked_sub(facts.count)).ok_or_else(fault)?;
            let one = Covered {
                segments: 1,
                first_offset: facts.first_offset,
                next_offset: facts.next_offset,
                events: facts.count,
                gaps,
            };
            let sum = match covered.get(&facts.partition) {
                None => one,
                Some(sum) => sum.and(one).ok_or_else(fault)?,
            };
            covered.insert(&facts.partition, sum);
        }
        let summary = |(partition, chain): (&TopicPartition, &Chain)| Self {
            topic: partition.topic.to_string(),
            partition: partition.partition,
            segments: chain.next_sequence,
            next_offset: chain.next_offset,
            in_period: covered.get(partition).copied(),
        };
        Ok(ends.iter().map(summary).collect())
    }
}

impl Covered {
    fn and(self, later: Self) -> Option<Self> {
        Some(Self {
            segments: self.segments.checked_add(later.segments)?,
            first_offset: self.first_offset,
            next_offset: later.next_offset,
            events: self.events.checked_add(later.events)?,
            gaps: self.gaps.checked_add(later.gaps)?,
        })
    }
}

/// An event that a reader looks for first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notable {
    pub(crate) time: String,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) detail: String,
    pub(crate) place: String,
}

impl Summary {
    /// Counts an event of the agent.
    pub(crate) fn count(
        &mut self,
        scope: &Scope,
        place: impl FnOnce() -> String,
        timestamp_ms: i64,
        event: &Event<'_>,
    ) {
        self.events_in_segments += 1;
        if !scope.contains(timestamp_ms) {
            return;
        }
        self.events += 1;
        let kind = event.text(column::KIND).unwrap_or_default();
        let version = event.text(column::AGENT_VERSION).unwrap_or_default();
        add_to(&mut self.by_kind, kind);
        add_to(&mut self.by_version, version);
        if let Some(semantics) = event.int(column::origin::SEMANTICS) {
            self.semantics.insert(semantics);
        }
        self.columns.extend(event.cells().iter().map(|(column, _)| *column));
        let (first, last) = self.range_ms.unwrap_or((timestamp_ms, timestamp_ms));
        self.range_ms = Some((first.min(timestamp_ms), last.max(timestamp_ms)));
        if schema().kind(kind).is_some_and(|kind| kind.notable) {
            if self.notable.len() < NOTABLE_MAX {
                self.notable.push(Notable {
                    time: instant(timestamp_ms),
                    kind: kind.to_owned(),
                    version: version.to_owned(),
                    detail: detail(event),
                    place: place(),
                });
            } else {
                self.notable_dropped += 1;
            }
        }
    }

    pub(crate) fn finish(&mut self) {
        self.first = self.range_ms.map(|(first, _)| instant(first));
        self.last = self.range_ms.map(|(_, last)| instant(last));
    }
}

/// What an event says, in one line, from whichever of these fields it fills.
fn detail(event: &Event<'_>) -> String {
    const FIELDS: [TypedColumn<Text>; 13] = [
        column::drift::METRIC,
        column::drift::SEVERITY,
        column::drift::BASELINE_VERSION,
        column::drift::LAST_CHANGE,
        column::approval::ID,
        column::approval::OUTCOME,
        column::approval::APPROVER_ID,
        column::approval::APPROVER_AUTHN,
        column::change::ID,
        column::change::TYPE,
        column::change::APPROVER,
        column::eval::SUITE,
        column::eval::GATE,
    ];
    let filled = FIELDS
        .iter()
        .filter_map(|column| event.text(*column).map(|value| format!("{column:?} = {value}")));
    filled.collect::<Vec<_>>().join(", ")
}

fn add_to(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counts.insert(key.to_owned(), 1);
        }
    }
}
