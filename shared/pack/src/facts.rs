//! What a pack holds, in numbers. All of it follows from what is verified, and is counted again by
//! whoever verifies.

use std::collections::{BTreeMap, BTreeSet};

use event::{ColumnId, column};
use segment::unsealed::Unsealed;
use serde::Serialize;

use crate::counts::Counts;
use crate::coverage::PartitionCoverage;
use crate::scope::{Scope, instant};
use crate::similar::SimilarName;
use crate::story::Story;
use crate::table::StoredRow;

/// The log that a pack is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LogFacts {
    /// Its origin.
    pub origin: String,
    /// Its root, hexadecimal.
    pub root: String,
    /// Its entries.
    pub size: u64,
}

/// What a pack holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facts {
    /// Events in the period by kind.
    pub by_kind: Counts,
    /// Events in the period by agent version; those that name none are under the empty text.
    pub by_version: Counts,
    /// Fields that some event in the period fills, in the order of the tables.
    pub columns: Vec<String>,
    /// How far the log reaches, by partition.
    pub coverage: Vec<PartitionCoverage>,
    /// Values that the log says were erased, by field, in all rows of the pack.
    pub erased: BTreeMap<String, u64>,
    /// Events of the agent in the period.
    pub events: u64,
    /// Events of the agent in the segments that touch the period: the rows of the pack.
    pub events_in_segments: u64,
    /// Files that hold the events.
    pub files: u64,
    /// Broker time of the first event in the period.
    pub first: Option<String>,
    /// Broker time of the last event in the period.
    pub last: Option<String>,
    /// The log.
    pub log: LogFacts,
    /// Records in these segments that did not decode, of any agent: some may be of this one.
    pub quarantined_of_any_agent: u64,
    /// Segments of the log whose records may be in the period.
    pub segments_in_period: u64,
    /// Those of them that hold events of the agent.
    pub segments_with_events: u64,
    /// Versions of the computation that made the computed events in the period.
    pub semantics: BTreeSet<i64>,
    /// Agents in these segments whose names look like this one's.
    pub similar_names: Vec<SimilarName>,
    /// What a reader looks for first.
    pub story: Story,
    /// What the log is for and holds nothing of at all.
    pub unsealed: Vec<Unsealed>,
    /// Values that the pack withholds, by field, in all its rows.
    pub withheld: BTreeMap<String, u64>,
}

/// Counts rows.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) facts: Facts,
    columns: BTreeSet<ColumnId>,
    range_ms: Option<(i64, i64)>,
}

impl Counter {
    /// Counts a row of the pack.
    pub(crate) fn count(
        &mut self,
        scope: &Scope,
        withheld: &BTreeSet<ColumnId>,
        row: &StoredRow<'_>,
    ) {
        let facts = &mut self.facts;
        facts.events_in_segments += 1;
        for (path, _) in &row.commitments {
            let id = event::schema().id(path);
            let is_withheld = id.is_some_and(|id| withheld.contains(&id));
            let missing = if is_withheld { &mut facts.withheld } else { &mut facts.erased };
            *missing.entry((*path).to_owned()).or_default() += 1;
        }
        if !scope.contains(row.timestamp_ms) {
            return;
        }
        facts.events += 1;
        facts.by_kind.add(row.event.text(column::KIND).unwrap_or_default());
        facts.by_version.add(row.event.text(column::AGENT_VERSION).unwrap_or_default());
        if let Some(semantics) = row.event.int(column::origin::SEMANTICS) {
            facts.semantics.insert(semantics);
        }
        self.columns.extend(row.event.cells().iter().map(|(column, _)| *column));
        let at = row.timestamp_ms;
        let (first, last) = self.range_ms.unwrap_or((at, at));
        self.range_ms = Some((first.min(at), last.max(at)));
        let record = || format!("{}/{} {}", row.topic, row.partition, row.offset);
        facts.story.add(record, &row.event);
    }

    /// All of it, after the last row.
    pub(crate) fn finish(self) -> Facts {
        let Self { mut facts, columns, range_ms } = self;
        facts.first = range_ms.map(|(first, _)| instant(first));
        facts.last = range_ms.map(|(_, last)| instant(last));
        facts.columns = ordered(columns).iter().map(|id| id.path().to_owned()).collect();
        facts.story.finish();
        facts
    }
}

/// Fields in the order of the tables: the most telling ones first.
fn ordered(columns: BTreeSet<ColumnId>) -> Vec<ColumnId> {
    const FIRST: [&str; 6] =
        ["kind", "event_time", "agent_id", "agent_version", "run_id", "event_id"];
    let first = FIRST.iter().filter_map(|path| event::schema().id(path));
    let first: Vec<ColumnId> = first.filter(|id| columns.contains(id)).collect();
    let others = columns.into_iter().filter(|id| !first.contains(id));
    first.iter().copied().chain(others).collect()
}
