//! The segments that touch the period of a pack.

use std::collections::{BTreeMap, BTreeSet};

use event::{ColumnId, kind};
use merkle::hash;
use segment::census::Census;
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault, expect_equal};
use segment::manifest::{AmendmentKind, Manifest, SegmentManifest};

use crate::fields::Fields;
use crate::scope::Scope;
use crate::similar::Names;

/// A segment that touches the period.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) entry: u64,
    pub(crate) manifest: SegmentManifest,
    /// Whether an entry of the log says that values of it were erased.
    pub(crate) is_amended: bool,
    /// Events of the agent by kind, by the census.
    pub(crate) expected: BTreeMap<String, u64>,
    /// Events of the agent by kind, found.
    pub(crate) found: BTreeMap<String, u64>,
}

/// What the censuses say together.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Records of any agent that did not decode.
    pub(crate) quarantined: u64,
    /// Fields that some record of a segment with events of the agent fills.
    pub(crate) columns: BTreeSet<ColumnId>,
    /// Names that look like the agent's.
    pub(crate) names: Names,
}

impl Wanted {
    /// The segments of an excerpt that touch the period, in the order of the log.
    pub(crate) fn all(scope: &Scope, excerpt: Excerpt) -> Vec<Self> {
        let amended: BTreeSet<u64> = excerpt
            .entries
            .iter()
            .filter_map(|entry| match &entry.opened.manifest {
                Manifest::Amendment(amendment) => Some(amendment),
                Manifest::Installation(_)
                | Manifest::Segment(_)
                | Manifest::Key(_)
                | Manifest::Unknown(_) => None,
            })
            .filter(|amendment| amendment.kind == AmendmentKind::Erasure)
            .flat_map(|amendment| amendment.entries.iter().copied())
            .collect();
        let entries = excerpt.entries.into_iter();
        let segments = entries.filter_map(|entry| {
            let manifest = entry.opened.manifest.into_segment()?;
            let facts = &manifest.facts;
            let touches = scope.period().touches(facts.min_timestamp_ms, facts.max_timestamp_ms);
            touches.then(|| Self {
                entry: entry.index,
                manifest,
                is_amended: amended.contains(&entry.index),
                expected: BTreeMap::new(),
                found: BTreeMap::new(),
            })
        });
        segments.collect()
    }

    /// Opens the census that was sealed with the segment, and counts.
    pub(crate) fn count(
        &mut self,
        scope: &Scope,
        place: &str,
        bytes: &[u8],
        fields: &Fields,
        counted: &mut Counted,
    ) -> Result<(), Distrust> {
        let census = self.open_census(place, bytes)?;
        for ((agent_id, kind), count) in &census.agents {
            if kind == kind::QUARANTINE_ADDED {
                let sum = counted.quarantined.checked_add(*count);
                counted.quarantined = sum.ok_or_else(|| {
                    Fault::new("censuses of the period", place, "counts of 64 bits", "more")
                })?;
            }
            if agent_id == scope.agent_id() {
                self.expected.insert(kind.clone(), *count);
            } else {
                counted.names.add(scope.agent_id(), agent_id, *count);
            }
        }
        if !self.expected.is_empty() {
            fields.add_to(self.entry, &mut counted.columns)?;
        }
        Ok(())
    }

    fn open_census(&self, place: &str, bytes: &[u8]) -> Result<Census, Fault> {
        let facts = &self.manifest.facts;
        let digest = hash::to_hex(&hash::sha256(bytes));
        expect_equal("census digest", place, &hash::to_hex(&facts.census.sha256), &digest)?;
        let census = Census::parse(bytes)
            .map_err(|error| Fault::new("census form", place, "a census", error.to_string()))?;
        expect_equal("census rows", place, &facts.census_rows, &census.len())?;
        let root = hash::to_hex(&census.root());
        expect_equal("census root", place, &hash::to_hex(&facts.census_root), &root)?;
        let counts = census.agents.values().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        if let Some(events) = counts.filter(|events| *events > facts.count) {
            let expected = format!("at most {} events", facts.count);
            return Err(Fault::new("census counts", place, expected, events.to_string()));
        }
        Ok(census)
    }
}

/// The events by kind are those of the censuses.
pub(crate) fn check_complete(wanted: &[Wanted]) -> Result<(), Fault> {
    for segment in wanted {
        if segment.expected != segment.found {
            return Err(Fault::new(
                "completeness",
                format!("segment {} (log entry {})", segment.manifest.parquet_path, segment.entry),
                format!("events of the agent by kind: {:?}", segment.expected),
                format!("{:?}", segment.found),
            ));
        }
    }
    Ok(())
}
