//! The chains of manifests, one for each partition: what must hold between neighbours.
//!
//! Written for checkers (fsck, proofs, packs), apart from the state that writers keep
//! ([`crate::log`]), so that one mistake does not hide in both.

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::{Hash, hash, tree};

use crate::fault::{Fault, expect_equal};
use crate::layout::SegmentName;
use crate::manifest::{Installation, Manifest, OpenedManifest, SegmentManifest};

/// What is known of a partition's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Identity of the topic.
    pub topic_id: String,
    /// Where the first segment begins.
    pub first_offset: i64,
    /// Where the next segment begins.
    pub next_offset: i64,
    /// Segments.
    pub segments: u64,
    /// Records.
    pub events: u64,
    /// Offsets that hold no record.
    pub gaps: u64,
    /// Number of the commit with the last segment.
    pub commit: u64,
    /// Largest timestamp, milliseconds since the epoch.
    pub max_timestamp_ms: i64,
    /// Milliseconds by which a timestamp lies behind the largest of the segments before, at most.
    pub disorder_ms: u64,
    /// Digest of the last manifest.
    pub digest: Hash,
}

/// The chains of a log.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    installation: Option<Installation>,
    chains: BTreeMap<TopicPartition, Chain>,
}

impl Chains {
    /// Adds the next manifest of the log to the chain of its partition.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold; the chains are as before.
    pub fn extend(
        &mut self,
        place: &str,
        origin: &str,
        commit: u64,
        opened: &OpenedManifest,
    ) -> Result<(), Fault> {
        expect_equal("manifest log", place, &origin, &opened.manifest.log())?;
        match (&opened.manifest, &self.installation) {
            (Manifest::Installation(first), None) => {
                expect_equal("key of the log", place, &origin, &first.key.name.as_str())?;
                self.installation = Some(first.installation.clone());
                Ok(())
            }
            (Manifest::Segment(manifest), Some(installation)) => {
                let cluster = &installation.cluster;
                expect_equal("cluster", place, cluster, &manifest.cluster)?;
                self.extend_segment(place, manifest, commit, opened.digest)
            }
            (Manifest::Amendment(_) | Manifest::Unknown(_), Some(_)) => Ok(()),
            (found, None) => Err(Fault::new(
                "first entry of the log",
                place,
                "an installation",
                format!("an entry of kind `{}`", found.kind()),
            )),
            (Manifest::Installation(_), Some(_)) => {
                Err(Fault::new("first entry of the log", place, "one installation", "another one"))
            }
        }
    }

    fn extend_segment(
        &mut self,
        place: &str,
        manifest: &SegmentManifest,
        commit: u64,
        digest: Hash,
    ) -> Result<(), Fault> {
        let facts = &manifest.facts;
        check_alone(place, manifest)?;
        let old = self.chains.get(&facts.partition);
        let partition = &facts.partition;
        expect_equal(
            "chain sequence",
            &format!("{place} ({partition})"),
            &old.map_or(0, |chain| chain.segments),
            &manifest.sequence,
        )?;
        let show = |digest: Option<&Hash>| digest.map_or_else(|| "none".to_owned(), hash::to_hex);
        expect_equal(
            "chain link",
            &format!("{place} ({partition})"),
            &show(old.map(|chain| &chain.digest)),
            &show(manifest.previous.as_ref()),
        )?;
        if let Some(chain) = old {
            let place = format!("{place} ({partition})");
            expect_equal("topic identity", &place, &chain.topic_id, &manifest.topic_id)?;
            expect_equal("contiguous offsets", &place, &chain.next_offset, &facts.first_offset)?;
        }
        let sum = |before: u64, more: Option<u64>| {
            more.and_then(|more| before.checked_add(more))
                .ok_or_else(|| Fault::new("counts of a chain", place, "numbers", "an overflow"))
        };
        let next = Chain {
            topic_id: manifest.topic_id.clone(),
            first_offset: old.map_or(facts.first_offset, |chain| chain.first_offset),
            next_offset: facts.next_offset,
            segments: sum(old.map_or(0, |chain| chain.segments), Some(1))?,
            events: sum(old.map_or(0, |chain| chain.events), Some(facts.count))?,
            gaps: sum(old.map_or(0, |chain| chain.gaps), gap_offsets(manifest))?,
            commit,
            max_timestamp_ms: old.map_or(facts.max_timestamp_ms, |old| {
                old.max_timestamp_ms.max(facts.max_timestamp_ms)
            }),
            disorder_ms: old.map_or(0, |old| {
                let earlier = facts.min_timestamp_ms.min(old.max_timestamp_ms);
                old.disorder_ms.max(old.max_timestamp_ms.abs_diff(earlier))
            }),
            digest,
        };
        self.chains.insert(facts.partition.clone(), next);
        Ok(())
    }

    /// Whose log it is; `None` before its first entry.
    #[must_use]
    pub const fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// The chains, by partition.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<TopicPartition, Chain> {
        &self.chains
    }
}

/// Offsets of all gaps; `None` where a length is negative, or the sum has no number.
fn gap_offsets(manifest: &SegmentManifest) -> Option<u64> {
    let mut gaps = manifest.facts.gaps.iter();
    gaps.try_fold(0_u64, |sum, gap| sum.checked_add(u64::try_from(gap.len).ok()?))
}

/// What must hold within one manifest.
fn check_alone(place: &str, manifest: &SegmentManifest) -> Result<(), Fault> {
    let facts = &manifest.facts;
    let range = facts
        .next_offset
        .checked_sub(facts.first_offset)
        .and_then(|range| u64::try_from(range).ok());
    let accounted = gap_offsets(manifest).and_then(|gaps| gaps.checked_add(facts.count));
    let show =
        |number: Option<u64>| number.map_or_else(|| "no number".to_owned(), |n| n.to_string());
    if range.is_none() || range != accounted {
        let (expected, found) = (show(range), show(accounted));
        return Err(Fault::new("offsets are records and gaps", place, expected, found));
    }
    let mut at = facts.first_offset;
    for gap in &facts.gaps {
        let end = gap.start.checked_add(gap.len).filter(|end| *end <= facts.next_offset);
        match end {
            Some(end) if gap.start >= at && gap.len > 0 => at = end,
            Some(_) | None => {
                let found = format!("a gap of {} from {}", gap.len, gap.start);
                return Err(Fault::new("gaps ascend in the range", place, "such", found));
            }
        }
    }
    if facts.count == 0 {
        return Err(Fault::new("a segment has records", place, "at least 1", "0"));
    }
    let tree_size = tree::padded_size(facts.count).ok_or_else(|| {
        let expected = format!("at most {}", tree::LEAVES_MAX);
        Fault::new("tree size", place, expected, format!("{} records", facts.count))
    })?;
    expect_equal("tree size", place, &tree_size, &facts.tree_size)?;
    if facts.first_timestamp_ms < facts.min_timestamp_ms
        || facts.first_timestamp_ms > facts.max_timestamp_ms
    {
        let expected = format!("{} to {}", facts.min_timestamp_ms, facts.max_timestamp_ms);
        let found = facts.first_timestamp_ms.to_string();
        return Err(Fault::new("first timestamp", place, expected, found));
    }
    let named = SegmentName::parse(&manifest.parquet_path).filter(|name| {
        *name.partition() == facts.partition
            && name.first_offset() == facts.first_offset
            && name.census() == manifest.census_path
    });
    if named.is_none() {
        let found = format!("{} and {}", manifest.parquet_path, manifest.census_path);
        let expected = format!("those of {} from {}", facts.partition, facts.first_offset);
        return Err(Fault::new("object paths", place, expected, found));
    }
    Ok(())
}
