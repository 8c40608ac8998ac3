//! The chains of manifests, one for each partition: what must hold between neighbours.
//!
//! Written for checkers (fsck, proofs, packs), apart from the state that writers keep
//! ([`crate::log`]), so that one mistake does not hide in both.

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::{Hash, hash, tree};

use crate::facts::{Gap, GapReason};
use crate::fault::{Fault, expect_equal};
use crate::layout::SegmentName;
use crate::log::ChainEnd;
use crate::manifest::{HeadRef, Installation, Manifest, OpenedManifest, SegmentManifest};
use crate::unsealed::Unsealed;

/// What is known of a partition's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Identity of the topic.
    pub topic_id: String,
    /// Where the next segment begins.
    pub next_offset: i64,
    /// Number of the next manifest.
    pub next_sequence: u64,
    /// Digest of the last manifest.
    pub digest: Hash,
    /// Number of the commit with the last segment.
    pub commit: u64,
    /// Largest timestamp, milliseconds since the epoch.
    pub max_timestamp_ms: i64,
    /// Milliseconds by which a timestamp lies behind the largest of the segments before, at most; of
    /// a chain that was begun amid ([`Self::amid`]), of the segments read.
    pub disorder_ms: u64,
    /// Mark of the last record.
    pub last_record: Hash,
    /// Digest of the schemas of other writers that the partition knows behind the last segment.
    pub writer_schemas: Option<Hash>,
    /// Where the first segment that was read begins.
    pub first_offset: i64,
    /// Segments read.
    pub segments: u64,
    /// Their records.
    pub events: u64,
    /// Their offsets that hold no record.
    pub gaps: u64,
    /// Those of them that were deleted before they were sealed.
    pub lost: u64,
}

impl Chain {
    /// The chain of a partition with its first segment.
    ///
    /// # Errors
    ///
    /// The manifest contradicts itself, or is not the first of a chain.
    pub fn first(
        place: &str,
        commit: u64,
        manifest: &SegmentManifest,
        digest: Hash,
    ) -> Result<Self, Fault> {
        expect_equal("chain sequence", place, &0, &manifest.sequence)?;
        expect_equal("chain link", place, &"none".to_owned(), &show(manifest.previous.as_ref()))?;
        let max = manifest.facts.max_timestamp_ms;
        expect_equal("largest timestamp", place, &max, &manifest.largest_timestamp_ms)?;
        Self::amid(place, commit, manifest, digest)
    }

    /// A chain that is read from one of its segments on.
    ///
    /// # Errors
    ///
    /// The manifest contradicts itself.
    pub fn amid(
        place: &str,
        commit: u64,
        manifest: &SegmentManifest,
        digest: Hash,
    ) -> Result<Self, Fault> {
        check_alone(place, manifest)?;
        let facts = &manifest.facts;
        let beyond = || Fault::new("chain sequence", place, "a number with a successor", "none");
        Ok(Self {
            topic_id: manifest.topic_id.clone(),
            next_offset: facts.next_offset,
            next_sequence: manifest.sequence.checked_add(1).ok_or_else(beyond)?,
            digest,
            commit,
            max_timestamp_ms: manifest.largest_timestamp_ms,
            disorder_ms: 0,
            last_record: manifest.last_record,
            writer_schemas: manifest.writer_schemas,
            first_offset: facts.first_offset,
            segments: 1,
            events: facts.count,
            gaps: gap_offsets(manifest, |_| true).ok_or_else(|| overflow(place))?,
            lost: gap_offsets(manifest, is_lost).ok_or_else(|| overflow(place))?,
        })
    }

    /// The chain up to an end that is known; none of its segments is read.
    #[must_use]
    pub fn resume(end: &ChainEnd) -> Self {
        Self {
            topic_id: end.topic_id.clone(),
            next_offset: end.next_offset,
            next_sequence: end.next_sequence,
            digest: end.manifest,
            commit: end.commit,
            max_timestamp_ms: end.max_timestamp_ms,
            disorder_ms: end.disorder_ms,
            last_record: end.last_record,
            writer_schemas: end.writer_schemas,
            first_offset: end.next_offset,
            segments: 0,
            events: 0,
            gaps: 0,
            lost: 0,
        }
    }

    /// The chain with its next segment.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold.
    pub fn follow(
        &self,
        place: &str,
        commit: u64,
        manifest: &SegmentManifest,
        digest: Hash,
    ) -> Result<Self, Fault> {
        let facts = &manifest.facts;
        check_alone(place, manifest)?;
        expect_equal("chain sequence", place, &self.next_sequence, &manifest.sequence)?;
        let previous = show(manifest.previous.as_ref());
        expect_equal("chain link", place, &show(Some(&self.digest)), &previous)?;
        expect_equal("topic identity", place, &self.topic_id, &manifest.topic_id)?;
        expect_equal("contiguous offsets", place, &self.next_offset, &facts.first_offset)?;
        let max_timestamp_ms = self.max_timestamp_ms.max(facts.max_timestamp_ms);
        let largest = manifest.largest_timestamp_ms;
        expect_equal("largest timestamp", place, &max_timestamp_ms, &largest)?;
        let earlier = facts.min_timestamp_ms.min(self.max_timestamp_ms);
        let sum = |before: u64, more: Option<u64>| {
            more.and_then(|more| before.checked_add(more)).ok_or_else(|| overflow(place))
        };
        Ok(Self {
            topic_id: self.topic_id.clone(),
            next_offset: facts.next_offset,
            next_sequence: sum(self.next_sequence, Some(1))?,
            digest,
            commit,
            max_timestamp_ms,
            disorder_ms: self.disorder_ms.max(self.max_timestamp_ms.abs_diff(earlier)),
            last_record: manifest.last_record,
            writer_schemas: manifest.writer_schemas,
            first_offset: self.first_offset,
            segments: sum(self.segments, Some(1))?,
            events: sum(self.events, Some(facts.count))?,
            gaps: sum(self.gaps, gap_offsets(manifest, |_| true))?,
            lost: sum(self.lost, gap_offsets(manifest, is_lost))?,
        })
    }

    /// Its end, as heads have it.
    #[must_use]
    pub fn end(&self) -> ChainEnd {
        ChainEnd {
            topic_id: self.topic_id.clone(),
            next_offset: self.next_offset,
            manifest: self.digest,
            next_sequence: self.next_sequence,
            commit: self.commit,
            max_timestamp_ms: self.max_timestamp_ms,
            disorder_ms: self.disorder_ms,
            last_record: self.last_record,
            writer_schemas: self.writer_schemas,
        }
    }
}

fn overflow(place: &str) -> Fault {
    Fault::new("counts of a chain", place, "numbers", "an overflow")
}

fn show(digest: Option<&Hash>) -> String {
    digest.map_or_else(|| "none".to_owned(), hash::to_hex)
}

/// The chains of a log.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    installation: Option<Installation>,
    chains: BTreeMap<TopicPartition, Chain>,
}

impl Chains {
    /// The chains of an installation up to ends that are known.
    #[must_use]
    pub fn resume(installation: &Installation, ends: &BTreeMap<TopicPartition, ChainEnd>) -> Self {
        let chains = ends.iter().map(|(partition, end)| (partition.clone(), Chain::resume(end)));
        Self { installation: Some(installation.clone()), chains: chains.collect() }
    }

    /// Adds the next manifest of the log to the chain of its partition. `head` is the log before the
    /// commit that holds it.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold; the chains are as before.
    pub fn extend(
        &mut self,
        place: &str,
        origin: &str,
        commit: u64,
        head: Option<&HeadRef>,
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
                let show = |head: &HeadRef| {
                    format!("that of commit {}, {}", head.sequence, hash::to_hex(&head.sha256))
                };
                let expected = head.map_or_else(|| "none".to_owned(), show);
                expect_equal("head", place, &expected, &show(&manifest.head))?;
                self.extend_segment(place, manifest, commit, opened.digest)
            }
            (Manifest::Key(_) | Manifest::Amendment(_) | Manifest::Unknown(_), Some(_)) => Ok(()),
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
        let partition = &manifest.facts.partition;
        let place = format!("{place} ({partition})");
        let next = match self.chains.get(partition) {
            Some(chain) => chain.follow(&place, commit, manifest, digest)?,
            None => Chain::first(&place, commit, manifest, digest)?,
        };
        self.chains.insert(partition.clone(), next);
        Ok(())
    }

    /// Whose log it is; `None` before its first entry.
    #[must_use]
    pub const fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// What the log is for and has nothing of.
    #[must_use]
    pub fn unsealed(&self) -> Vec<Unsealed> {
        let of = |installation| Unsealed::of(installation, self.chains.keys());
        self.installation.as_ref().map(of).unwrap_or_default()
    }

    /// The chains, by partition.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<TopicPartition, Chain> {
        &self.chains
    }
}

fn is_lost(gap: &Gap) -> bool {
    gap.reason == GapReason::Lost
}

/// Offsets of gaps; `None` where a length is negative, or the sum has no number.
fn gap_offsets(manifest: &SegmentManifest, is_counted: impl Fn(&Gap) -> bool) -> Option<u64> {
    let mut gaps = manifest.facts.gaps.iter().filter(|gap| is_counted(gap));
    gaps.try_fold(0_u64, |sum, gap| sum.checked_add(u64::try_from(gap.len).ok()?))
}

/// What must hold within one manifest.
fn check_alone(place: &str, manifest: &SegmentManifest) -> Result<(), Fault> {
    let facts = &manifest.facts;
    let range = facts
        .next_offset
        .checked_sub(facts.first_offset)
        .and_then(|range| u64::try_from(range).ok());
    let accounted = gap_offsets(manifest, |_| true).and_then(|gaps| gaps.checked_add(facts.count));
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
