//! Reads what of the log decides about a period: through the heads what is needed, or, where they
//! are missing, all commits.
//!
//! The heads lead to the first and last entry of each partition by bisection, and entry bundles or
//! commits give what is between. Whatever was found that way is checked like a pack before it is
//! used: a wrong head or bundle costs time, not correctness.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use archive::{Archive, ArchiveError};
use event::TopicPartition;
use merkle::multiproof::Shape;
use merkle::{Hash, rfc6962, tile};
use segment::excerpt::{Excerpt, Period};
use segment::fault::Distrust;
use segment::layout;
use segment::log::{ChainEnd, Head, SubtreeTiles, first_where};
use segment::policy::Policy;
use segment::replay::Entry;

use crate::index::{Index, Lookup, Resumed};
use crate::log::{Log, read_log};
use crate::{EvidenceError, Progress};

/// Objects to read for one entry of a chain, if it is followed from head to head: the entry's commit,
/// and the head before with its commit.
const READS_A_STEP: u64 = 3;

/// Entry bundles that are read at once.
const BUNDLES_AT_ONCE: usize = 64;

/// How the log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRead {
    /// Through the heads: only what was needed.
    Heads,
    /// All commits, because heads or tiles of the archive are missing or wrong.
    Commits,
}

/// What of the log decides about a period, and its last checkpoint.
pub(crate) struct Found {
    pub(crate) checkpoint: String,
    pub(crate) excerpt: Excerpt,
    pub(crate) read: LogRead,
}

/// Reads what decides about a period.
pub(crate) fn read(
    archive: &Archive,
    policy: &Policy,
    period: Period,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, EvidenceError> {
    progress(Progress { phase: "reading the log", done: 0, total: 1 });
    match by_heads(archive, policy, period) {
        Ok((checkpoint, excerpt)) => {
            progress(Progress { phase: "reading the log", done: 1, total: 1 });
            Ok(Found { checkpoint, excerpt, read: LogRead::Heads })
        }
        // A head that hides a key makes its signatures unknown: the commits tell.
        Err(Lookup::NoHeads | Lookup::Failed(EvidenceError::Log(Distrust::Unverifiable(_)))) => {
            let log = read_log(archive, policy, progress)?;
            let checkpoint = log.checkpoint.clone();
            let excerpt = by_commits(log, period)?;
            Ok(Found { checkpoint, excerpt, read: LogRead::Commits })
        }
        Err(Lookup::Failed(error)) => Err(error),
    }
}

fn by_commits(log: Log, period: Period) -> Result<Excerpt, EvidenceError> {
    let leaves = log.leaves();
    let head = log.named.ok_or(EvidenceError::NothingSealed)?;
    let entries = Excerpt::needed(&head, period, log.entries)?;
    let roots = subtrees(&head, &entries).map(|subtrees| {
        subtrees.into_iter().map(|subtree| {
            let range = usize::try_from(subtree.from).ok()?..usize::try_from(subtree.to).ok()?;
            Some(rfc6962::root(leaves.get(range)?))
        })
    });
    let nodes: Option<Vec<Hash>> = roots.and_then(Iterator::collect);
    // The first entry is needed, so that there is a proof; its nodes are of the log just read.
    let nodes = nodes.ok_or(EvidenceError::NothingSealed)?;
    Ok(Excerpt { head, entries, nodes })
}

/// The nodes that prove the entries before a head.
fn subtrees(head: &Head, entries: &[Entry]) -> Option<Vec<merkle::multiproof::Subtree>> {
    let old: Vec<u64> =
        entries.iter().map(|entry| entry.index).filter(|index| *index < head.size()).collect();
    Shape::of(head.size()).nodes(&old)
}

fn by_heads(
    archive: &Archive,
    policy: &Policy,
    period: Period,
) -> Result<(String, Excerpt), Lookup> {
    let mut index = Index::open(archive, policy)?;
    let Resumed { replay, added, named } = index.resume()?;
    let head = match named {
        Some(head) => head,
        None => newest_named(&mut index)?,
    };
    let mut reader = Reader { index, bundles: BTreeMap::new(), entries: BTreeMap::new() };
    let newest = reader.index.newest.clone();
    for sequence in (head.sequence..=newest.sequence).skip(1) {
        reader.add_commit(sequence)?;
    }
    reader.add(added.into_iter().filter(|entry| entry.index >= head.size()));
    reader.others(&head)?;
    let after: Vec<_> =
        reader.entries.range(head.size()..).map(|(_, entry)| entry.clone()).collect();
    let ends = Excerpt::ends(&head, &after)?;
    for (partition, end) in &head.ends {
        let disorder_ms = ends.get(partition).map_or(end.disorder_ms, |now| now.disorder_ms);
        reader.partition(&head, period, partition, end, disorder_ms)?;
    }
    let Reader { index, entries, .. } = reader;
    let entries = Excerpt::needed(&head, period, entries.into_values().collect())?;
    let needed = subtrees(&head, &entries)
        .and_then(|subtrees| SubtreeTiles::of(newest.size(), subtrees))
        .ok_or(Lookup::NoHeads)?;
    let paths: Vec<_> = needed.tiles().iter().map(|tile| tile.path()).collect();
    let nodes = needed.roots(&derived(index.archive.get_many(&paths))?).ok_or(Lookup::NoHeads)?;
    let excerpt = Excerpt { head, entries, nodes };
    let place = "the log through its heads";
    let checkpoint =
        policy.open_checkpoint(place, replay.checkpoint()).map_err(EvidenceError::Log)?;
    let leaves: Vec<_> = excerpt.entries.iter().map(|entry| (entry.index, entry.leaf)).collect();
    let tree = Excerpt::check_tree(&excerpt.head, &leaves, &excerpt.nodes, &checkpoint, place);
    match tree.map_err(Distrust::Failed).and_then(|()| excerpt.check(period)) {
        Ok(_) => Ok((replay.checkpoint().to_owned(), excerpt)),
        // The commits tell whether the log or something that follows from it is wrong.
        Err(Distrust::Failed(_)) => Err(Lookup::NoHeads),
        Err(distrust) => Err(EvidenceError::Log(distrust).into()),
    }
}

/// The newest head that an entry up to the newest head of the archive names.
fn newest_named(index: &mut Index<'_>) -> Result<Head, Lookup> {
    let mut sequence = index.newest.sequence;
    loop {
        let entries = index.entries(sequence)?;
        if let Some(segment) =
            entries.iter().rev().find_map(|entry| entry.opened.manifest.segment())
        {
            let head = index.exact(segment.head.sequence)?.clone();
            return if head.reference() == segment.head { Ok(head) } else { Err(Lookup::NoHeads) };
        }
        sequence = sequence.checked_sub(1).ok_or(EvidenceError::NothingSealed)?;
    }
}

/// What follows from the commits may be missing; then they are read instead.
fn derived<T>(read: Result<T, ArchiveError>) -> Result<T, Lookup> {
    match read {
        Err(ArchiveError::NotFound { .. }) => Err(Lookup::NoHeads),
        outcome => Ok(outcome?),
    }
}

/// Collects the entries that a period may need.
struct Reader<'a> {
    index: Index<'a>,
    bundles: BTreeMap<u64, Vec<String>>,
    entries: BTreeMap<u64, Entry>,
}

impl Reader<'_> {
    fn add(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.entries.extend(entries.into_iter().map(|entry| (entry.index, entry)));
    }

    fn add_commit(&mut self, sequence: u64) -> Result<(), Lookup> {
        let entries = self.index.entries(sequence)?;
        self.add(entries);
        Ok(())
    }

    /// The entries up to a head that are no segments: there are few, and each is found by the number
    /// of them before it.
    fn others(&mut self, head: &Head) -> Result<(), Lookup> {
        let count = head.other_entries().ok_or(Lookup::NoHeads)?;
        self.add_commit(0)?;
        let mut found = 1;
        while found < count {
            let sequence = first_where(0, head.sequence, |sequence| {
                let others = self.index.exact(sequence)?.other_entries();
                Ok::<_, Lookup>(others.ok_or(Lookup::NoHeads)? > found)
            })?;
            self.add_commit(sequence)?;
            let now = self.index.exact(sequence)?.other_entries().ok_or(Lookup::NoHeads)?;
            // Heads that contradict each other lead nowhere.
            if now <= found {
                return Err(Lookup::NoHeads);
            }
            found = now;
        }
        Ok(())
    }

    /// The entries of a partition around the period.
    fn partition(
        &mut self,
        head: &Head,
        period: Period,
        partition: &TopicPartition,
        end: &ChainEnd,
        disorder_ms: u64,
    ) -> Result<(), Lookup> {
        if end.max_timestamp_ms < period.from_ms {
            return Ok(());
        }
        let first =
            self.first(partition, 0, end.commit, |end| end.max_timestamp_ms >= period.from_ms)?;
        let last = if period.is_over(end.max_timestamp_ms, disorder_ms) {
            self.first(partition, first, end.commit, |end| {
                period.is_over(end.max_timestamp_ms, disorder_ms)
            })?
        } else {
            end.commit
        };
        let before = self.index.exact(first.checked_sub(1).ok_or(Lookup::NoHeads)?)?;
        let from = before.size();
        let earlier = before.ends.get(partition).cloned();
        let behind = self.index.exact(last)?;
        let to = behind.size();
        let behind = behind.ends.get(partition).cloned().ok_or(Lookup::NoHeads)?;
        if let Some(earlier) = &earlier {
            self.add_commit(earlier.commit)?;
        }
        let read_already = earlier.map_or(0, |earlier| earlier.next_sequence);
        let segments = behind.next_sequence.checked_sub(read_already).ok_or(Lookup::NoHeads)?;
        let to = to.min(head.size());
        let last = to.checked_sub(1).ok_or(Lookup::NoHeads)?;
        let bundles = from / tile::WIDTH_MAX..=last / tile::WIDTH_MAX;
        let reads = bundles.end().saturating_sub(*bundles.start());
        if segments.saturating_mul(READS_A_STEP) <= reads {
            return self.walk(partition, behind.commit, read_already);
        }
        self.read_bundles(bundles)?;
        self.add_range(from, to)
    }

    /// As [`first_where`], of the heads of a partition.
    fn first(
        &mut self,
        partition: &TopicPartition,
        from: u64,
        last: u64,
        holds: impl Fn(&ChainEnd) -> bool,
    ) -> Result<u64, Lookup> {
        first_where(from, last, |sequence| {
            Ok(self.index.exact(sequence)?.ends.get(partition).is_some_and(&holds))
        })
    }

    /// Follows a chain back from a commit to the segment with this number.
    fn walk(&mut self, partition: &TopicPartition, mut commit: u64, to: u64) -> Result<(), Lookup> {
        loop {
            self.add_commit(commit)?;
            let before = commit.checked_sub(1).ok_or(Lookup::NoHeads)?;
            match self.index.exact(before)?.ends.get(partition) {
                Some(end) if end.next_sequence > to => commit = end.commit,
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Reads the bundles that were not read yet, some at a time: sizes in heads are claims, and where
    /// there is no object the reading ends.
    fn read_bundles(&mut self, bundles: RangeInclusive<u64>) -> Result<(), Lookup> {
        let mut rest = bundles;
        loop {
            let some: Vec<u64> = rest.by_ref().take(BUNDLES_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            let new = some.into_iter().filter(|bundle| !self.bundles.contains_key(bundle));
            self.read_some(&new.collect::<Vec<_>>())?;
        }
    }

    fn read_some(&mut self, bundles: &[u64]) -> Result<(), Lookup> {
        let size = self.index.newest.size();
        let path = |bundle: &u64| {
            let rest = size.checked_sub(bundle.checked_mul(tile::WIDTH_MAX)?)?;
            Some(layout::tile(&tile::entries_path(*bundle, rest.min(tile::WIDTH_MAX))))
        };
        let paths: Option<Vec<_>> = bundles.iter().map(path).collect();
        let read = derived(self.index.archive.get_many(&paths.ok_or(Lookup::NoHeads)?))?;
        for (bundle, bytes) in bundles.iter().zip(read) {
            let entries = tile::decode_bundle(&bytes).ok_or(Lookup::NoHeads)?;
            let texts = entries.into_iter().map(|entry| String::from_utf8(entry.to_vec()).ok());
            let texts: Option<Vec<_>> = texts.collect();
            self.bundles.insert(*bundle, texts.ok_or(Lookup::NoHeads)?);
        }
        Ok(())
    }

    /// Adds the entries of a range whose bundles are read.
    fn add_range(&mut self, from: u64, to: u64) -> Result<(), Lookup> {
        for index in from..to {
            if self.entries.contains_key(&index) {
                continue;
            }
            let bundle = self.bundles.get(&(index / tile::WIDTH_MAX));
            let at = usize::try_from(index % tile::WIDTH_MAX).map_err(|_| Lookup::NoHeads)?;
            let envelope = bundle.and_then(|bundle| bundle.get(at)).ok_or(Lookup::NoHeads)?;
            let entry = self.index.open_entry("an entry bundle", index, envelope.clone())?;
            self.entries.insert(index, entry);
        }
        Ok(())
    }
}
