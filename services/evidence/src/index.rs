//! Finding log entries through the heads, without reading the whole log.
//!
//! A head states the offset and the broker time up to which each partition is sealed, and the commit
//! that holds its last segment. Both only grow, so a record is found by bisection, and a period by
//! bisection to its end and a walk back along the chain to its start. The sealer writes heads anyway
//! to start from; a separate index would need a second writer and a second format, and some twenty
//! small reads are enough to find one record among a million segments.
//!
//! Heads are an index, not evidence: a head is used only after its signature and its commit have been
//! checked, and every entry found is proved against the checkpoint of the newest one.

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use event::TopicPartition;
use merkle::{Hash, hash, proof};
use segment::fault::Fault;
use segment::layout;
use segment::log::{ChainEnd, Commit, Head, InclusionTiles, first_where, last_commit};
use segment::manifest::SegmentManifest;
use segment::policy::Policy;
use segment::replay::Entry;

use crate::EvidenceError;

/// Number of earlier heads that are tried in place of a missing one.
const NEAR_MAX: u64 = 8;

/// A span of broker time in milliseconds since the epoch: from one instant up to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub to_ms: i64,
}

/// Why a lookup through the heads failed.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Too many heads are missing; the commits must be read instead.
    NoHeads,
    /// The archive could not be read, or does not hold what was sealed.
    Failed(EvidenceError),
}

impl<E: Into<EvidenceError>> From<E> for Lookup {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The heads of a log.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    archive: &'a Archive,
    policy: &'a Policy,
    /// The newest valid head, and the checkpoint of its commit.
    newest: Head,
    checkpoint: String,
    last: u64,
    heads: BTreeMap<u64, Option<Head>>,
}

impl<'a> Index<'a> {
    /// Finds the newest head.
    pub(crate) fn open(archive: &'a Archive, policy: &'a Policy) -> Result<Self, Lookup> {
        let hint = read(archive, layout::CHECKPOINT)?.map_or(0, |text| layout::commit_hint(&text));
        let exists = |number| archive.exists(&layout::commit(number));
        let last = last_commit(hint, exists)?.ok_or(EvidenceError::NoLog)?;
        let mut back = 0_u64;
        while let Some(sequence) = last.checked_sub(back) {
            if let Some((newest, commit)) = head(archive, policy, sequence)? {
                let (checkpoint, heads) = (commit.checkpoint, BTreeMap::new());
                return Ok(Self { archive, policy, newest, checkpoint, last, heads });
            }
            back = if back == 0 { 1 } else { back.saturating_mul(2) };
        }
        Err(Lookup::NoHeads)
    }

    /// Whether the newest head is that of the last commit.
    pub(crate) const fn is_complete(&self) -> bool {
        self.newest.sequence == self.last
    }

    /// The signed checkpoint that audit paths from [`Self::prove`] lead to.
    pub(crate) fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The segment that holds a record, if it is sealed.
    pub(crate) fn record(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
    ) -> Result<Option<Entry>, Lookup> {
        let Some(end) = self.newest.ends.get(partition).cloned() else { return Ok(None) };
        if offset >= end.next_offset {
            return Ok(None);
        }
        let sequence = self.first(partition, end.commit, |end| end.next_offset > offset)?;
        let mut found = None;
        self.walk(partition, sequence, |segment, entry| {
            let facts = &segment.facts;
            if (facts.first_offset..facts.next_offset).contains(&offset) {
                found = Some(entry.clone());
            }
            facts.first_offset > offset
        })?;
        Ok(found)
    }

    /// Every segment that holds records of a period, in log order.
    pub(crate) fn period(&mut self, period: Period) -> Result<Vec<Entry>, Lookup> {
        let mut entries = BTreeMap::new();
        for (partition, end) in self.newest.ends.clone() {
            if end.max_timestamp_ms < period.from_ms {
                continue;
            }
            // Broker times may run backwards, at most as far as they ever did in this partition.
            let disorder_ms = i64::try_from(end.disorder_ms).unwrap_or(i64::MAX);
            let after_ms = period.to_ms.saturating_add(disorder_ms);
            let last = if end.max_timestamp_ms < after_ms {
                end.commit
            } else {
                self.first(&partition, end.commit, |end| end.max_timestamp_ms >= after_ms)?
            };
            let from_ms = period.from_ms;
            self.walk_while(
                &partition,
                last,
                |end| end.max_timestamp_ms >= from_ms,
                |segment, entry| {
                    let facts = &segment.facts;
                    if facts.min_timestamp_ms < period.to_ms && facts.max_timestamp_ms >= from_ms {
                        entries.insert(entry.index, entry.clone());
                    }
                    true
                },
            )?;
        }
        Ok(entries.into_values().collect())
    }

    /// The audit path of an entry, checked against the root of the newest head.
    pub(crate) fn prove(&self, entry: &Entry) -> Result<Vec<Hash>, EvidenceError> {
        let fault = |found: String| {
            let place = format!("log entry {}", entry.index);
            Fault::new("log path", place, "the root of the log", found)
        };
        let tiles = InclusionTiles::of(entry.index, self.newest.size())
            .ok_or_else(|| fault("an entry beyond the end".to_owned()))?;
        let paths: Vec<_> = tiles.tiles().iter().map(|tile| tile.path()).collect();
        let bytes = self.archive.get_many(&paths)?;
        let path = tiles
            .path(&bytes)
            .ok_or_else(|| fault(format!("one of {} has another size", paths.join(", "))))?;
        let (size, root) = (self.newest.size(), self.newest.root());
        proof::verify_inclusion(&entry.leaf, entry.index, size, &path, &root)
            .map_err(|error| fault(error.to_string()))?;
        Ok(path)
    }

    /// First commit after which a condition on a partition holds. The condition must hold after
    /// `last`, and never cease to hold. Where heads are missing, the result may be a few commits
    /// late.
    fn first(
        &mut self,
        partition: &TopicPartition,
        last: u64,
        holds: impl Fn(&ChainEnd) -> bool,
    ) -> Result<u64, Lookup> {
        first_where(0, last, |sequence| {
            Ok(self.near(sequence)?.ends.get(partition).is_some_and(&holds))
        })
    }

    /// Visits the segments of a partition backwards from a commit, until the visitor returns `false`.
    fn walk(
        &mut self,
        partition: &TopicPartition,
        sequence: u64,
        visit: impl FnMut(&SegmentManifest, &Entry) -> bool,
    ) -> Result<(), Lookup> {
        self.walk_while(partition, sequence, |_| true, visit)
    }

    fn walk_while(
        &mut self,
        partition: &TopicPartition,
        sequence: u64,
        wanted: impl Fn(&ChainEnd) -> bool,
        mut visit: impl FnMut(&SegmentManifest, &Entry) -> bool,
    ) -> Result<(), Lookup> {
        let mut sequence = Some(sequence);
        while let Some(at) = sequence {
            let end = self.near(at)?.ends.get(partition).cloned();
            let Some(end) = end.filter(&wanted) else { return Ok(()) };
            for entry in self.entries(end.commit)?.iter().rev() {
                let Some(segment) = entry.opened.manifest.segment() else { continue };
                if segment.facts.partition == *partition && !visit(segment, entry) {
                    return Ok(());
                }
            }
            sequence = end.commit.checked_sub(1);
        }
        Ok(())
    }

    /// The entries of a commit, signed by a known sealer. [`Self::prove`] shows that they are part of
    /// the log.
    fn entries(&self, sequence: u64) -> Result<Vec<Entry>, Lookup> {
        let path = layout::commit(sequence);
        let form = |error: String| Fault::new("commit form", &path, "a commit object", error);
        let bytes = self.archive.get(&path)?;
        let commit = Commit::parse(sequence, &bytes).map_err(|error| form(error.to_string()))?;
        let mut entries = Vec::new();
        for (index, envelope) in (commit.previous_size..).zip(commit.entries) {
            let place = format!("log entry {index} in {path}");
            let opened =
                self.policy.open_entry(&place, envelope.as_bytes()).map_err(EvidenceError::Log)?;
            let leaf = hash::leaf(envelope.as_bytes());
            entries.push(Entry { index, envelope, leaf, opened });
        }
        Ok(entries)
    }

    /// The head of a commit, or the nearest earlier one.
    fn near(&mut self, sequence: u64) -> Result<&Head, Lookup> {
        let lowest = sequence.saturating_sub(NEAR_MAX);
        for candidate in (lowest..=sequence).rev() {
            if !self.heads.contains_key(&candidate) {
                let found = head(self.archive, self.policy, candidate)?;
                self.heads.insert(candidate, found.map(|(head, _)| head));
            }
            if matches!(self.heads.get(&candidate), Some(Some(_))) {
                // Looked up again, because the borrow checker rejects a conditional return of the borrow.
                return self.heads.get(&candidate).and_then(Option::as_ref).ok_or(Lookup::NoHeads);
            }
        }
        Err(Lookup::NoHeads)
    }
}

/// The head of a commit, if it exists and is valid.
fn head(
    archive: &Archive,
    policy: &Policy,
    sequence: u64,
) -> Result<Option<(Head, Commit)>, EvidenceError> {
    let Some(object) = read(archive, &layout::head(sequence))? else { return Ok(None) };
    let Ok(head) = Head::open(&object, policy.logs()) else { return Ok(None) };
    let Some(commit) = read(archive, &layout::commit(sequence))? else { return Ok(None) };
    Ok(head.check(sequence, &commit, policy.logs()).ok().map(|commit| (head, commit)))
}

fn read(archive: &Archive, path: &str) -> Result<Option<Bytes>, ArchiveError> {
    match archive.get(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
