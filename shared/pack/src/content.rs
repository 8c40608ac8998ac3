//! What a pack holds, and the checks that need no more than that.

use event::{column, kind};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use merkle::checkpoint::Checkpoint;
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash, proof};
use segment::census::Census;
use segment::chain::Chains;
use segment::fault::{Distrust, Fault, expect_equal};
use segment::fsck::PartitionReport;
use segment::manifest::SegmentManifest;
use segment::policy::Policy;
use segment::read::{ReadError, Row};
use segment::slice;
use serde::{Deserialize, Serialize};

use crate::container::name;
use crate::report::Step;
use crate::scope::Scope;
use crate::summary::Summary;

/// Kind of events that did not decode.
const QUARANTINED: &str = kind::QUARANTINE_ADDED;

/// Longest audit path.
const PATH_MAX: usize = 64;

/// The parts of a pack that are not derived from the others.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) checkpoint: &'a str,
    /// All entries of the log.
    pub(crate) entries: Vec<&'a str>,
    /// Census objects of the segments that touch the period, in the order of the log.
    pub(crate) censuses: Vec<&'a str>,
    /// Where each row of `events` is, in the order of the rows.
    pub(crate) proofs: Vec<&'a str>,
    pub(crate) events: Bytes,
}

/// A line of `proofs.jsonl`: a row's place in its segment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceJson {
    entry: String,
    index: String,
    path: Vec<String>,
}

/// The line for a row: number of the log entry of its segment, index in the segment, audit path.
pub(crate) fn place_line(entry: u64, index: u64, path: &[Hash]) -> String {
    let json = PlaceJson {
        entry: entry.to_string(),
        index: index.to_string(),
        path: path.iter().map(|hash| BASE64.encode(hash)).collect(),
    };
    match serde_json::to_string(&json) {
        Ok(line) => line,
        Err(error) => unreachable!("texts and lists of them have a JSON form: {error}"),
    }
}

fn parse_place(line: &str) -> Option<(u64, u64, Vec<Hash>)> {
    let json: PlaceJson = serde_json::from_str(line).ok()?;
    let path: Option<Vec<Hash>> =
        json.path.iter().map(|hash| BASE64.decode(hash).ok()?.try_into().ok()).collect();
    let path = path.filter(|path| path.len() <= PATH_MAX)?;
    let (entry, index) = (json.entry.parse().ok()?, json.index.parse().ok()?);
    (place_line(entry, index, &path) == line).then_some((entry, index, path))
}

/// A segment that touches the period.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) entry: u64,
    pub(crate) manifest: SegmentManifest,
    /// Events of the agent by kind, by the census.
    expected: BTreeMap<String, u64>,
    /// Events of the agent by kind, found.
    found: BTreeMap<String, u64>,
    /// Smallest index that the next row may have.
    next_index: u64,
}

impl Content<'_> {
    /// Checks everything, and counts.
    pub(crate) fn check(
        &self,
        scope: &Scope,
        policy: &Policy,
        steps: &mut Vec<Step>,
    ) -> Result<Summary, Distrust> {
        let checkpoint = policy.open_checkpoint(name::CHECKPOINT, self.checkpoint)?;
        steps.push(Step::new(
            "checkpoint signature",
            format!("log `{}` vouches for {} entries", checkpoint.origin, checkpoint.size),
        ));
        self.check_root(&checkpoint)?;
        steps.push(Step::new("log root", "follows from all entries of the log"));
        let mut chains = Chains::default();
        let mut wanted = self.check_manifests(scope, policy, &checkpoint.origin, &mut chains)?;
        steps.push(Step::new(
            "manifests",
            format!(
                "{} signed by known sealers; offsets of {} partitions follow without a gap",
                self.entries.len(),
                chains.all().len()
            ),
        ));
        let quarantined = self.check_censuses(scope, &mut wanted)?;
        steps.push(Step::new(
            "censuses",
            format!("of {} segments that touch the period, as sealed", wanted.len()),
        ));
        let mut summary = Summary {
            origin: checkpoint.origin,
            log_size: checkpoint.size,
            log_root: hash::to_hex(&checkpoint.root),
            segments_in_period: wanted.len() as u64,
            segments_with_events: wanted.iter().filter(|w| !w.expected.is_empty()).count() as u64,
            quarantined_of_any_agent: quarantined,
            partitions: PartitionReport::of(&chains),
            ..Summary::default()
        };
        self.check_rows(scope, &mut wanted, &mut summary)?;
        steps.push(Step::new(
            "events",
            format!("{} leaves derived again, each in its segment", summary.events_in_segments),
        ));
        check_complete(&wanted)?;
        steps.push(Step::new(
            "completeness",
            format!("as many events of `{}` of each kind as the censuses count", scope.agent_id()),
        ));
        summary.finish();
        Ok(summary)
    }

    fn check_root(&self, checkpoint: &Checkpoint) -> Result<(), Fault> {
        let mut log = Frontier::new();
        for entry in &self.entries {
            log.append(hash::leaf(entry.as_bytes()));
        }
        expect_equal("log size", name::ENTRIES, &checkpoint.size, &log.size())?;
        let (signed, found) = (hash::to_hex(&checkpoint.root), hash::to_hex(&log.root()));
        expect_equal("log root", name::ENTRIES, &signed, &found)
    }

    fn check_manifests(
        &self,
        scope: &Scope,
        policy: &Policy,
        origin: &str,
        chains: &mut Chains,
    ) -> Result<Vec<Wanted>, Distrust> {
        let mut wanted = Vec::new();
        for (entry, envelope) in (0_u64..).zip(&self.entries) {
            let place = format!("log entry {entry} in {}", name::ENTRIES);
            let opened = policy.open_manifest(&place, envelope.as_bytes())?;
            chains.extend(&place, origin, 0, &opened)?;
            if let Some(manifest) = opened.manifest.into_segment() {
                wanted.extend(Wanted::of(scope, entry, manifest));
            }
        }
        Ok(wanted)
    }

    /// How many records of any agent are quarantined in the segments.
    fn check_censuses(&self, scope: &Scope, wanted: &mut [Wanted]) -> Result<u64, Fault> {
        const STEP: &str = "censuses of the period";
        expect_equal(STEP, name::CENSUSES, &wanted.len(), &self.censuses.len())?;
        let mut quarantined = 0_u64;
        for (segment, census) in wanted.iter_mut().zip(&self.censuses) {
            let place = format!("census of log entry {} in {}", segment.entry, name::CENSUSES);
            let census = segment.open_census(&place, census.as_bytes())?;
            for ((agent_id, kind), count) in &census.agents {
                if kind == QUARANTINED {
                    quarantined = quarantined.checked_add(*count).ok_or_else(|| {
                        Fault::new(STEP, place.as_str(), "counts of 64 bits", "more")
                    })?;
                }
                if agent_id == scope.agent_id() {
                    segment.expected.insert(kind.clone(), *count);
                }
            }
        }
        Ok(quarantined)
    }

    fn check_rows(
        &self,
        scope: &Scope,
        wanted: &mut [Wanted],
        summary: &mut Summary,
    ) -> Result<(), Distrust> {
        let mut places = (1_u64..).zip(&self.proofs);
        let mut at = 0_usize;
        slice::for_each_row(&self.events, |partition, row| {
            let (line, place) = places.next().ok_or_else(|| {
                Fault::new("proofs", name::PROOFS, "a line for every event", "fewer lines")
            })?;
            let line_place = format!("line {line} of {}", name::PROOFS);
            let (entry, index, path) = parse_place(place).ok_or_else(|| {
                Fault::new("proofs", line_place.as_str(), "a place in its exact form", *place)
            })?;
            let row_place = format!("{partition} offset {} in {}", row.offset, name::EVENTS);
            // Rows are in the order of the log: the segment is this one or a later one.
            at = wanted
                .iter()
                .skip(at)
                .position(|segment| segment.entry == entry)
                .map(|more| at + more)
                .ok_or_else(|| {
                    let found = format!("log entry {entry}");
                    Fault::new(
                        "events in order",
                        line_place.as_str(),
                        "a segment of the period",
                        found,
                    )
                })?;
            if let Some(segment) = wanted.get_mut(at) {
                let facts = &segment.manifest.facts;
                expect_equal("partition of the segment", &row_place, &facts.partition, partition)?;
                if index < segment.next_index {
                    let expected = format!("an index from {}", segment.next_index);
                    let fault =
                        Fault::new("events in order", line_place, expected, index.to_string());
                    return Err(fault.into());
                }
                segment.take(scope, &row_place, row, index, &path)?;
                // The index is below the number of events, or it would not have been taken.
                segment.next_index = index + 1;
            }
            let place = || format!("{partition} {}", row.offset);
            summary.count(scope, place, row.timestamp_ms, &row.event);
            Ok::<(), Refused>(())
        })
        .map_err(|Refused(why)| why)?;
        match places.next() {
            None => Ok(()),
            Some((line, _)) => Err(Fault::new(
                "proofs",
                format!("line {line} of {}", name::PROOFS),
                "one line for each event",
                "more lines",
            )
            .into()),
        }
    }
}

impl Wanted {
    /// The segment of a manifest, if it touches the period.
    pub(crate) fn of(scope: &Scope, entry: u64, manifest: SegmentManifest) -> Option<Self> {
        let facts = &manifest.facts;
        scope.touches(facts.min_timestamp_ms, facts.max_timestamp_ms).then(|| Self {
            entry,
            manifest,
            expected: BTreeMap::new(),
            found: BTreeMap::new(),
            next_index: 0,
        })
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

    fn take(
        &mut self,
        scope: &Scope,
        place: &str,
        row: &Row<'_>,
        index: u64,
        path: &[Hash],
    ) -> Result<(), Fault> {
        let facts = &self.manifest.facts;
        if !(facts.first_offset..facts.next_offset).contains(&row.offset) {
            let expected = format!("{} to before {}", facts.first_offset, facts.next_offset);
            return Err(Fault::new(
                "offset in the segment",
                place,
                expected,
                row.offset.to_string(),
            ));
        }
        if index >= facts.count {
            let expected = format!("one of {} events", facts.count);
            return Err(Fault::new("index in the segment", place, expected, index.to_string()));
        }
        proof::verify_inclusion(&row.leaf, index, facts.tree_size, path, &facts.root).map_err(
            |error| {
                let expected = format!("leaf {index} of log entry {}", self.entry);
                Fault::new("inclusion in the segment", place, expected, error.to_string())
            },
        )?;
        let agent_id = row.event.text(column::AGENT_ID).unwrap_or_default();
        expect_equal("agent of the pack", place, &scope.agent_id(), &agent_id)?;
        let kind = row.event.text(column::KIND).unwrap_or_default();
        *self.found.entry(kind.to_owned()).or_default() += 1;
        Ok(())
    }
}

fn check_complete(wanted: &[Wanted]) -> Result<(), Fault> {
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

/// Why the rows are not accepted.
struct Refused(Distrust);

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self(fault.into())
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Fault::new("rows and leaves", name::EVENTS, "a slice of segments", error.to_string()).into()
    }
}
