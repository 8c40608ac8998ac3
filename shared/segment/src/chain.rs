//! The chains of manifests, one for each partition: what must hold between neighbours.
//!
//! Written for checkers (fsck, proofs, packs), apart from the state that writers keep
//! ([`crate::log`]), so that one mistake does not hide in both.

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::{Hash, hash, tree};

use crate::fault::{Fault, expect_equal};
use crate::layout::SegmentName;
use crate::manifest::{Manifest, OpenedManifest};

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
    digest: Hash,
}

/// The chains of a log.
#[derive(Debug, Clone, Default)]
pub struct Chains {
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
        opened: &OpenedManifest,
    ) -> Result<(), Fault> {
        let manifest = &opened.manifest;
        let facts = &manifest.facts;
        expect_equal("manifest log", place, &origin, &manifest.log.as_str())?;
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
        let gaps = gap_offsets(manifest);
        let next = Chain {
            topic_id: manifest.topic_id.clone(),
            first_offset: old.map_or(facts.first_offset, |chain| chain.first_offset),
            next_offset: facts.next_offset,
            segments: old.map_or(0, |chain| chain.segments).saturating_add(1),
            events: old.map_or(0, |chain| chain.events).saturating_add(facts.count),
            gaps: old.map_or(0, |chain| chain.gaps).saturating_add(gaps),
            digest: opened.digest,
        };
        self.chains.insert(facts.partition.clone(), next);
        Ok(())
    }

    /// The chains, by partition.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<TopicPartition, Chain> {
        &self.chains
    }
}

fn gap_offsets(manifest: &Manifest) -> u64 {
    manifest
        .facts
        .gaps
        .iter()
        .fold(0, |sum: u64, gap| sum.saturating_add(u64::try_from(gap.len).unwrap_or(0)))
}

/// What must hold within one manifest.
fn check_alone(place: &str, manifest: &Manifest) -> Result<(), Fault> {
    let facts = &manifest.facts;
    let range = facts
        .next_offset
        .checked_sub(facts.first_offset)
        .and_then(|range| u64::try_from(range).ok())
        .unwrap_or(0);
    expect_equal(
        "offsets are records and gaps",
        place,
        &range,
        &facts.count.saturating_add(gap_offsets(manifest)),
    )?;
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
    expect_equal("tree size", place, &tree::padded_size(facts.count), &facts.tree_size)?;
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
