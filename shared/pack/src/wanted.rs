//! The segments that touch the period of a pack.

use std::collections::BTreeMap;

use merkle::hash;
use segment::census::Census;
use segment::excerpt::Excerpt;
use segment::fault::{Fault, expect_equal};
use segment::manifest::SegmentManifest;

use crate::scope::Scope;

/// A segment that touches the period.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) entry: u64,
    pub(crate) manifest: SegmentManifest,
    /// Events of the agent by kind, by the census.
    pub(crate) expected: BTreeMap<String, u64>,
    /// Events of the agent by kind, found.
    pub(crate) found: BTreeMap<String, u64>,
}

impl Wanted {
    /// The segments of an excerpt that touch the period, in the order of the log.
    pub(crate) fn all(scope: &Scope, excerpt: Excerpt) -> Vec<Self> {
        let entries = excerpt.entries.into_iter();
        let segments = entries.filter_map(|entry| {
            let manifest = entry.opened.manifest.into_segment()?;
            let facts = &manifest.facts;
            let touches = scope.period().touches(facts.min_timestamp_ms, facts.max_timestamp_ms);
            touches.then(|| Self {
                entry: entry.index,
                manifest,
                expected: BTreeMap::new(),
                found: BTreeMap::new(),
            })
        });
        segments.collect()
    }

    /// Opens the census that was sealed with the segment.
    pub(crate) fn open_census(&self, place: &str, bytes: &[u8]) -> Result<Census, Fault> {
        let facts = &self.manifest.facts;
        let digest = hash::to_hex(&hash::sha256(bytes));
        expect_equal("census digest", place, &hash::to_hex(&facts.census.sha256), &digest)?;
        let census = Census::parse(bytes)
            .map_err(|error| Fault::new("census form", place, "a census", error.to_string()))?;
        expect_equal("census rows", place, &facts.census_rows, &census.len())?;
        let root = hash::to_hex(&census.root());
        expect_equal("census root", place, &hash::to_hex(&facts.census_root), &root)?;
        Ok(census)
    }
}
