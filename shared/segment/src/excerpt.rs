//! What of a log decides about a period: few entries, however old the log is.
//!
//! An [`Excerpt`] holds a [`Head`] that the log itself fixes, all entries after it, those around the
//! period, and every entry that is no segment. From the head's edge the entries after it lead to the
//! signed root; the others are proved to be in the tree of the head. The entries of a partition are
//! contiguous in its chain, begin before the period and end behind it, so that no segment that is
//! left out can touch the period:
//!
//! - before: they begin with the last segment up to which all timestamps are before the period, or
//!   with the first of the chain;
//! - behind: they end with the first segment whose `largestTimestampMs` is as far behind the period
//!   as timestamps of the partition ever ran backwards, or with the last of the chain, which the head
//!   fixes.
//!
//! The entries follow from the log, its checkpoint and the period alone: there is one excerpt.

use std::collections::{BTreeMap, BTreeSet};

use event::TopicPartition;
use merkle::checkpoint::Checkpoint;
use merkle::multiproof::{self, Shape};
use merkle::{Hash, hash};

use crate::chain::Chain;
use crate::fault::{Distrust, Fault, expect_equal};
use crate::log::{ChainEnd, Head, LogKey};
use crate::manifest::{AmendmentKind, Installation, Manifest, SegmentManifest};
use crate::policy::unknown_kind;
use crate::replay::Entry;
use crate::unsealed::Unsealed;

/// A span of broker time in milliseconds since the epoch: from one instant up to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub to_ms: i64,
}

impl Period {
    /// Whether a range of instants, both ends included, touches it.
    #[must_use]
    pub const fn touches(self, min_ms: i64, max_ms: i64) -> bool {
        min_ms < self.to_ms && self.from_ms <= max_ms
    }

    /// Whether no segment after one with this largest timestamp can touch the period, in a partition
    /// whose timestamps run backwards by so much at most.
    #[must_use]
    pub const fn is_over(self, largest_ms: i64, disorder_ms: u64) -> bool {
        match self.to_ms.checked_add_unsigned(disorder_ms) {
            Some(over_ms) => largest_ms >= over_ms,
            None => false,
        }
    }
}

/// What of a log decides about a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The newest head that an entry names.
    pub head: Head,
    /// The entries, ascending by index.
    pub entries: Vec<Entry>,
    /// Nodes of the proof that the entries before the head's size are in its tree.
    pub nodes: Vec<Hash>,
}

/// The segments of a partition, in the order of its chain, each with its log entry.
type Run<'e> = Vec<(&'e Entry, &'e SegmentManifest)>;

/// Segments by partition.
type Runs<'e> = BTreeMap<&'e TopicPartition, Run<'e>>;

impl Excerpt {
    /// The ends of all chains, from those of the head and the entries after it.
    ///
    /// # Errors
    ///
    /// The entries do not continue the chains.
    pub fn ends(head: &Head, after: &[Entry]) -> Result<BTreeMap<TopicPartition, Chain>, Fault> {
        follow(head, &runs(head, after).1)
    }

    /// Of entries among which all needed ones are, those that are needed, ascending by index.
    ///
    /// # Errors
    ///
    /// The entries after the head do not continue its chains.
    pub fn needed(
        head: &Head,
        period: Period,
        mut entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, Fault> {
        entries.sort_by_key(|entry| entry.index);
        entries.dedup_by_key(|entry| entry.index);
        let (old, new) = runs(head, &entries);
        let ends = follow(head, &new)?;
        let mut kept = BTreeSet::new();
        for (partition, run) in &old {
            let Some((end, now)) = head.ends.get(*partition).zip(ends.get(*partition)) else {
                continue;
            };
            if end.max_timestamp_ms < period.from_ms {
                continue;
            }
            let before = |(_, segment): &(&Entry, &SegmentManifest)| {
                segment.largest_timestamp_ms < period.from_ms
            };
            let over = |(_, segment): &(&Entry, &SegmentManifest)| {
                period.is_over(segment.largest_timestamp_ms, now.disorder_ms)
            };
            let from = run.iter().rposition(before).unwrap_or(0);
            let to = run.iter().position(over).unwrap_or(run.len());
            kept.extend(run.iter().take(to.saturating_add(1)).skip(from).map(|(e, _)| e.index));
        }
        entries.retain(|entry| {
            let is_old_segment =
                entry.index < head.size() && entry.opened.manifest.segment().is_some();
            !is_old_segment || kept.contains(&entry.index)
        });
        Ok(entries)
    }

    /// Checks the edge of the head and the entries after it against the checkpoint, and all other
    /// entries against the tree of the head. `leaves` are those of the entries, with their indices.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold.
    pub fn check_tree(
        head: &Head,
        leaves: &[(u64, Hash)],
        nodes: &[Hash],
        checkpoint: &Checkpoint,
        place: &str,
    ) -> Result<(), Fault> {
        expect_equal("log origin", place, &checkpoint.origin, &head.origin)?;
        let (old, new) = leaves.split_at(leaves.partition_point(|(at, _)| *at < head.size()));
        let mut log = head.frontier.clone();
        for (index, leaf) in new {
            // The checkpoint's size bounds what is appended.
            if *index != log.size() || log.size() >= checkpoint.size {
                let expected = format!("entry {} of {}", log.size(), checkpoint.size);
                return Err(Fault::new(
                    "entries after the head",
                    place,
                    expected,
                    index.to_string(),
                ));
            }
            log.append(*leaf);
        }
        expect_equal("log size", place, &checkpoint.size, &log.size())?;
        let (signed, found) = (hash::to_hex(&checkpoint.root), hash::to_hex(&log.root()));
        expect_equal("log root", place, &signed, &found)?;
        multiproof::verify(Shape::of(head.size()), old, nodes, &head.root()).map_err(|error| {
            let expected = format!("entries of the log of {} entries", head.size());
            Fault::new("entries of the log", place, expected, error.to_string())
        })
    }

    /// Checks that the log fixes the head, that no entry is missing that could touch the period, and
    /// that none is there that is not needed. Gives the end of each chain.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold, or why it cannot be judged.
    pub fn check(&self, period: Period) -> Result<BTreeMap<TopicPartition, Chain>, Distrust> {
        let others = self.check_kinds()?;
        let head = &self.head;
        let place = format!("head {}", head.sequence);
        let stated = head.other_entries().ok_or_else(|| {
            let found = "more segments than entries";
            Fault::new("entries of other kinds", place.as_str(), "a number", found)
        })?;
        expect_equal("entries of other kinds", &place, &stated, &others)?;
        self.check_keys(&place)?;
        let (old, new) = runs(head, &self.entries);
        check_named(head, &place, &new)?;
        let ends = follow(head, &new)?;
        for (partition, end) in &head.ends {
            let disorder_ms = ends.get(partition).map_or(end.disorder_ms, |now| now.disorder_ms);
            let run = old.get(partition).map_or(&[][..], Vec::as_slice);
            check_run(partition, period, end, disorder_ms, run)?;
        }
        if let Some(partition) = old.keys().find(|partition| !head.ends.contains_key(**partition)) {
            let found = "entries before it";
            return Err(
                Fault::new("partitions of the head", place, partition.to_string(), found).into()
            );
        }
        Ok(ends)
    }

    /// Kinds, origin and cluster of all entries; how many before the head are no segments.
    fn check_kinds(&self) -> Result<u64, Distrust> {
        let origin = self.head.origin.as_str();
        let installation = self.installation()?;
        let mut others = 0_u64;
        for entry in &self.entries {
            let place = format!("log entry {}", entry.index);
            expect_equal("manifest log", &place, &origin, &entry.opened.manifest.log())?;
            match &entry.opened.manifest {
                Manifest::Segment(manifest) => {
                    let cluster = &installation.cluster;
                    expect_equal("cluster", &place, cluster, &manifest.cluster)?;
                    continue;
                }
                Manifest::Installation(_) if entry.index == 0 => {}
                Manifest::Installation(_) => {
                    let expected = "one installation";
                    let fault = Fault::new("first entry of the log", place, expected, "another");
                    return Err(fault.into());
                }
                // Whoever opened the entries has taken it into account.
                Manifest::Key(_) => {}
                // Leaves, census and places are as before: what it changes is which values may be
                // missing, and that is for whoever reads them.
                Manifest::Amendment(manifest) if manifest.kind == AmendmentKind::Erasure => {}
                Manifest::Amendment(manifest) => {
                    return Err(Distrust::Unverifiable(format!(
                        "{place} is of kind `{}`, whose effect this version does not check",
                        manifest.kind.name()
                    )));
                }
                Manifest::Unknown(manifest) => return Err(unknown_kind(&place, &manifest.kind)),
            }
            others = others.saturating_add(u64::from(entry.index < self.head.size()));
        }
        Ok(others)
    }

    /// The keys that the head lists are those of the entries before it.
    fn check_keys(&self, place: &str) -> Result<(), Fault> {
        let before = self.entries.iter().take_while(|entry| entry.index < self.head.size());
        let accepted = before.filter_map(|entry| LogKey::of(entry.index, &entry.opened.manifest));
        let accepted: Vec<_> = accepted.collect();
        if accepted == self.head.keys {
            return Ok(());
        }
        let show = |keys: &[LogKey]| {
            let of = |key: &LogKey| format!("`{}` of log entry {}", key.key.name(), key.entry);
            keys.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let (expected, found) = (show(&accepted), show(&self.head.keys));
        Err(Fault::new("keys of the head", place, expected, found))
    }

    /// What the log was made for and has nothing of, given the ends of its chains.
    ///
    /// # Errors
    ///
    /// The log does not begin with an installation.
    pub fn unsealed(&self, ends: &BTreeMap<TopicPartition, Chain>) -> Result<Vec<Unsealed>, Fault> {
        Ok(Unsealed::of(self.installation()?, ends.keys()))
    }

    fn installation(&self) -> Result<&Installation, Fault> {
        let first = self.entries.first().filter(|entry| entry.index == 0);
        let Some(Manifest::Installation(first)) = first.map(|entry| &entry.opened.manifest) else {
            let (step, place) = ("first entry of the log", "log entry 0");
            return Err(Fault::new(step, place, "an installation", "none"));
        };
        expect_equal("key of the log", "log entry 0", &self.head.origin, &first.key.name)?;
        Ok(&first.installation)
    }
}

/// Every segment after the head names it, and there is one: it is the newest that the log fixes.
fn check_named(head: &Head, place: &str, new: &Runs<'_>) -> Result<(), Fault> {
    const STEP: &str = "head that the log names";
    let expected = head.reference();
    let mut named = false;
    for (entry, segment) in new.values().flatten() {
        if segment.head != expected {
            let show = |head: &crate::manifest::HeadRef| {
                format!("head {} with SHA-256 {}", head.sequence, hash::to_hex(&head.sha256))
            };
            let place = format!("log entry {}", entry.index);
            return Err(Fault::new(STEP, place, show(&expected), show(&segment.head)));
        }
        named = true;
    }
    if named { Ok(()) } else { Err(Fault::new(STEP, place, "a segment that names it", "none")) }
}

/// The segments before and after a head, by partition.
fn runs<'e>(head: &Head, entries: &'e [Entry]) -> (Runs<'e>, Runs<'e>) {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let Some(segment) = entry.opened.manifest.segment() else { continue };
        let runs: &mut Runs<'e> = if entry.index < head.size() { &mut old } else { &mut new };
        runs.entry(&segment.facts.partition).or_default().push((entry, segment));
    }
    (old, new)
}

/// The ends of all chains: those of the head, with the segments after it.
fn follow(head: &Head, new: &Runs<'_>) -> Result<BTreeMap<TopicPartition, Chain>, Fault> {
    let resumed = head.ends.iter().map(|(partition, end)| (partition.clone(), Chain::resume(end)));
    let mut chains: BTreeMap<_, _> = resumed.collect();
    for (partition, run) in new {
        for (entry, segment) in run {
            let next = link(chains.get(*partition), entry, segment)?;
            chains.insert((*partition).clone(), next);
        }
    }
    Ok(chains)
}

fn link(chain: Option<&Chain>, entry: &Entry, segment: &SegmentManifest) -> Result<Chain, Fault> {
    let place = format!("log entry {} ({})", entry.index, segment.facts.partition);
    match chain {
        Some(chain) => chain.follow(&place, 0, segment, entry.opened.digest),
        None => Chain::first(&place, 0, segment, entry.opened.digest),
    }
}

/// The entries of a partition before the head; see the head of the module.
fn check_run(
    partition: &TopicPartition,
    period: Period,
    end: &ChainEnd,
    disorder_ms: u64,
    run: &[(&Entry, &SegmentManifest)],
) -> Result<(), Fault> {
    const STEP: &str = "entries around the period";
    let fault = |expected: &str, found: String| {
        Err(Fault::new(STEP, partition.to_string(), expected, found))
    };
    if end.max_timestamp_ms < period.from_ms {
        return match run.first() {
            None => Ok(()),
            Some((entry, _)) => fault(
                "none, because all timestamps are before the period",
                format!("log entry {}", entry.index),
            ),
        };
    }
    let Some(((first, segment), rest)) = run.split_first() else {
        return fault("some, because timestamps reach the period", "none".to_owned());
    };
    if segment.sequence > 0 && segment.largest_timestamp_ms >= period.from_ms {
        return fault(
            "to begin before the period, or with the first of the chain",
            format!("log entry {}, number {} of the chain", first.index, segment.sequence),
        );
    }
    let mut chain = if segment.sequence == 0 {
        link(None, first, segment)?
    } else {
        let place = format!("log entry {} ({partition})", first.index);
        Chain::amid(&place, 0, segment, first.opened.digest)?
    };
    for (entry, segment) in rest {
        if period.is_over(chain.max_timestamp_ms, disorder_ms) {
            return fault("none behind the period", format!("log entry {}", entry.index));
        }
        if segment.largest_timestamp_ms < period.from_ms {
            let found = format!("log entry {} too", entry.index);
            return fault("one before the period", found);
        }
        chain = link(Some(&chain), entry, segment)?;
    }
    if chain.disorder_ms > disorder_ms {
        let expected = format!("at most {disorder_ms} ms");
        let found = format!("{} ms", chain.disorder_ms);
        return Err(Fault::new("disorder of timestamps", partition.to_string(), expected, found));
    }
    if chain.max_timestamp_ms > end.max_timestamp_ms {
        let (expected, found) = (end.max_timestamp_ms, chain.max_timestamp_ms);
        let expected = format!("at most {expected}, as the head says");
        let (step, place) = ("largest timestamp", partition.to_string());
        return Err(Fault::new(step, place, expected, found.to_string()));
    }
    let is_over = period.is_over(chain.max_timestamp_ms, disorder_ms);
    if chain.next_sequence >= end.next_sequence || !is_over {
        // The chain ends here, or not at all.
        let same = ChainEnd { commit: end.commit, disorder_ms: end.disorder_ms, ..chain.end() };
        if same != *end {
            return fault(
                "to end behind the period, or with the end of the chain in the head",
                format!("{} of {} of the chain", chain.next_sequence, end.next_sequence),
            );
        }
    }
    Ok(())
}
