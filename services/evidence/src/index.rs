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
use merkle::{Hash, hash, proof, tile};
use segment::belief::Believed;
use segment::excerpt::Period;
use segment::fault::Fault;
use segment::layout;
use segment::log::{ChainEnd, Commit, Head, InclusionTiles, LogKey, first_where, last_commit};
use segment::manifest::SegmentManifest;
use segment::policy::Policy;
use segment::replay::{Entry, Replay};

use crate::EvidenceError;

/// Number of earlier heads that are tried in place of a missing one.
const NEAR_MAX: u64 = 8;

/// Commits that are read at once.
const COMMITS_AT_ONCE: u64 = 64;

/// Why a lookup through the heads failed.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Heads, or other objects that follow from the commits, are missing or wrong; the commits must
    /// be read instead.
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
    pub(crate) archive: &'a Archive,
    /// The policy, and the keys that the newest head lists, each from its entry.
    believed: Believed,
    /// The entries of these keys.
    pub(crate) keys: Vec<Entry>,
    /// The newest valid head, and its commit. What follows from commits was written before it.
    pub(crate) newest: Head,
    commit: Bytes,
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
            if let Some((newest, commit, checkpoint)) = head(archive, policy, sequence)? {
                let heads = BTreeMap::from([(sequence, Some(newest.clone()))]);
                let believed = Believed::new(policy.clone());
                let keys = Vec::new();
                let mut index =
                    Self { archive, believed, keys, newest, commit, checkpoint, last, heads };
                index.believe()?;
                return Ok(index);
            }
            back = if back == 0 { 1 } else { back.saturating_mul(2) };
        }
        Err(Lookup::NoHeads)
    }

    /// Believes the keys that the newest head lists. Their entries are proved to be in the log, then
    /// opened in order: of the head counts only where they are.
    fn believe(&mut self) -> Result<(), Lookup> {
        let size = self.newest.size();
        for key in self.newest.keys.clone() {
            let bundle = key.entry / tile::WIDTH_MAX;
            let rest = bundle.checked_mul(tile::WIDTH_MAX).and_then(|from| size.checked_sub(from));
            let rest = rest.ok_or(Lookup::NoHeads)?;
            let path = layout::tile(&tile::entries_path(bundle, rest.min(tile::WIDTH_MAX)));
            let bytes = read(self.archive, &path)?.ok_or(Lookup::NoHeads)?;
            let entries = tile::decode_bundle(&bytes).ok_or(Lookup::NoHeads)?;
            let at = usize::try_from(key.entry % tile::WIDTH_MAX).map_err(|_| Lookup::NoHeads)?;
            let envelope = *entries.get(at).ok_or(Lookup::NoHeads)?;
            let leaf = hash::leaf(envelope);
            match self.path_of(key.entry, &leaf) {
                Ok(_) => {}
                // The commits tell what is wrong.
                Err(
                    EvidenceError::Log(_) | EvidenceError::Archive(ArchiveError::NotFound { .. }),
                ) => return Err(Lookup::NoHeads),
                Err(error) => return Err(error.into()),
            }
            let place = format!("log entry {} in {path}", key.entry);
            let opened = self.believed.open_entry(&place, key.entry, envelope);
            let opened = opened.map_err(EvidenceError::Log)?;
            if LogKey::of(key.entry, &opened.manifest).as_ref() != Some(&key) {
                return Err(Lookup::NoHeads);
            }
            let accepted = self.believed.accept(&place, key.entry, &opened);
            accepted.map_err(|fault| EvidenceError::Log(fault.into()))?;
            let envelope = String::from_utf8_lossy(envelope).into_owned();
            self.keys.push(Entry { index: key.entry, envelope, leaf, opened });
        }
        Ok(())
    }

    /// Whether the newest head is that of the last commit.
    pub(crate) const fn is_complete(&self) -> bool {
        self.newest.sequence == self.last
    }

    /// The signed checkpoint that audit paths from [`Self::prove`] lead to.
    pub(crate) fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Goes on behind the newest head to the last commit. Gives the log, the entries that were added,
    /// and the head before the last commit with a segment, if there is one among those.
    pub(crate) fn resume(&self) -> Result<Resumed, EvidenceError> {
        let genesis = self.archive.get(&layout::commit(0))?;
        let mut replay =
            Replay::resume(self.believed.clone(), &genesis, &self.newest, &self.commit)
                .map_err(EvidenceError::Log)?;
        let (mut added, mut named) = (Vec::new(), None);
        while replay.next_sequence() <= self.last {
            let first = replay.next_sequence();
            let paths = (first..=self.last.min(first.saturating_add(COMMITS_AT_ONCE - 1)))
                .map(layout::commit)
                .collect::<Vec<_>>();
            for bytes in self.archive.get_many(&paths)? {
                let before = replay.head();
                let entries = replay.apply(&bytes).map_err(EvidenceError::Log)?;
                if entries.iter().any(|entry| entry.opened.manifest.segment().is_some()) {
                    named = before;
                }
                added.extend(entries);
            }
        }
        Ok(Resumed { replay, added, named })
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
            let disorder_ms = end.disorder_ms;
            let is_over = |end: &ChainEnd| period.is_over(end.max_timestamp_ms, disorder_ms);
            let last = if is_over(&end) {
                self.first(&partition, end.commit, is_over)?
            } else {
                end.commit
            };
            let from_ms = period.from_ms;
            self.walk_while(
                &partition,
                last,
                |end| end.max_timestamp_ms >= from_ms,
                |segment, entry| {
                    let facts = &segment.facts;
                    if period.touches(facts.min_timestamp_ms, facts.max_timestamp_ms) {
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
        self.path_of(entry.index, &entry.leaf)
    }

    fn path_of(&self, entry: u64, leaf: &Hash) -> Result<Vec<Hash>, EvidenceError> {
        let fault = |found: String| {
            let place = format!("log entry {entry}");
            Fault::new("log path", place, "the root of the log", found)
        };
        let tiles = InclusionTiles::of(entry, self.newest.size())
            .ok_or_else(|| fault("an entry beyond the end".to_owned()))?;
        let paths: Vec<_> = tiles.tiles().iter().map(|tile| tile.path()).collect();
        let bytes = self.archive.get_many(&paths)?;
        let path = tiles
            .path(&bytes)
            .ok_or_else(|| fault(format!("one of {} has another size", paths.join(", "))))?;
        let (size, root) = (self.newest.size(), self.newest.root());
        proof::verify_inclusion(leaf, entry, size, &path, &root)
            .map_err(|error| fault(error.to_string()))?;
        Ok(path)
    }

    /// First commit after which a condition on a partition holds. The condition must hold after
    /// `last`, and never cease to hold. Where heads are missing, the result may be a few commits
    /// late.
    pub(crate) fn first(
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
    pub(crate) fn entries(&self, sequence: u64) -> Result<Vec<Entry>, Lookup> {
        let path = layout::commit(sequence);
        let form = |error: String| Fault::new("commit form", &path, "a commit object", error);
        let bytes = self.archive.get(&path)?;
        let commit = Commit::parse(sequence, &bytes).map_err(|error| form(error.to_string()))?;
        let mut entries = Vec::new();
        for (index, envelope) in (commit.previous_size..).zip(commit.entries) {
            entries.push(self.open_entry(&path, index, envelope)?);
        }
        Ok(entries)
    }

    /// An entry as an object has it, signed by a known sealer.
    pub(crate) fn open_entry(
        &self,
        path: &str,
        index: u64,
        envelope: String,
    ) -> Result<Entry, EvidenceError> {
        let place = format!("log entry {index} in {path}");
        let opened = self
            .believed
            .open_entry(&place, index, envelope.as_bytes())
            .map_err(EvidenceError::Log)?;
        let leaf = hash::leaf(envelope.as_bytes());
        Ok(Entry { index, envelope, leaf, opened })
    }

    /// The head of exactly this commit.
    pub(crate) fn exact(&mut self, sequence: u64) -> Result<&Head, Lookup> {
        if !self.heads.contains_key(&sequence) {
            let found = head(self.archive, self.believed.policy(), sequence)?;
            self.heads.insert(sequence, found.map(|(head, ..)| head));
        }
        self.heads.get(&sequence).and_then(Option::as_ref).ok_or(Lookup::NoHeads)
    }

    /// The head of a commit, or the nearest earlier one.
    fn near(&mut self, sequence: u64) -> Result<&Head, Lookup> {
        let lowest = sequence.saturating_sub(NEAR_MAX);
        for candidate in (lowest..=sequence).rev() {
            // Looked up twice, because the borrow checker rejects a conditional return of the borrow.
            match self.exact(candidate).map(|_| ()) {
                Ok(()) => return self.exact(candidate),
                Err(Lookup::NoHeads) => {}
                Err(error) => return Err(error),
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
) -> Result<Option<(Head, Bytes, String)>, EvidenceError> {
    let Some(object) = read(archive, &layout::head(sequence))? else { return Ok(None) };
    let Ok(head) = Head::open(&object, policy.logs()) else { return Ok(None) };
    let Some(commit) = read(archive, &layout::commit(sequence))? else { return Ok(None) };
    let Ok(checked) = head.check(sequence, &commit, policy.logs()) else { return Ok(None) };
    Ok(Some((head, commit, checked.checkpoint)))
}

/// The log to its last commit.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) replay: Replay,
    /// The entries after the newest head.
    pub(crate) added: Vec<Entry>,
    /// The head before the last commit after the newest head that has a segment.
    pub(crate) named: Option<Head>,
}

fn read(archive: &Archive, path: &str) -> Result<Option<Bytes>, ArchiveError> {
    match archive.get(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
