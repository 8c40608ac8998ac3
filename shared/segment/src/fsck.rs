//! Checks a whole archive again, from its bytes alone.
//!
//! A [`Fsck`] asks for objects, is handed their bytes, and reports what does not hold, with the
//! object, the step and both values. What it checks: every commit in sequence (exact form,
//! signature, root recomputed from all entries), every manifest (signature, chain, contiguous
//! offsets), every segment (digest, every leaf, tree, census), and every object that follows from
//! the commits (tiles, entry bundles, heads, published checkpoint). Objects that nothing names are
//! reported as orphans: a sealer that died before its commit leaves such.
//!
//! # Contract
//!
//! Call [`Fsck::poll`] until it says [`Request::Done`]. Answer [`Request::List`] and
//! [`Request::Read`] before polling again; [`Request::Check`] is work of its own, which any thread
//! may do ([`SegmentTask::check`]) and which may be answered later. Then [`Fsck::finish`].
//!
//! # What it costs
//!
//! Memory: paths of the listed objects, 32 bytes for each log entry, 16 for each computed event, and
//! one commit; the archive itself is never held. One segment is in memory for each check under way.

mod findings;
mod report;
mod segment_task;
mod tiles;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use bytes::Bytes;
use merkle::{Hash, hash};

pub use self::findings::{Finding, Severity};
pub use self::report::{PartitionReport, Progress, Report};
pub(crate) use self::segment_task::same_object;
pub use self::segment_task::{SegmentOutcome, SegmentTask, same_facts};

use self::findings::Findings;
use self::tiles::{Derived, Tiles};
use crate::fault::{Distrust, Fault};
use crate::layout;
use crate::log::Head;
use crate::manifest::Manifest;
use crate::policy::Policy;
use crate::replay::Replay;

/// Directories whose objects are listed.
const LISTED: [&str; 3] = ["log", "data", "census"];

/// Most reasons for UNVERIFIABLE that are kept.
const REASONS_MAX: usize = 20;

/// What an [`Fsck`] wants next.
#[derive(Debug)]
pub enum Request {
    /// Paths and sizes of all objects below this directory; answer with [`Fsck::handle_listing`].
    List(&'static str),
    /// The bytes of an object; answer with [`Fsck::handle_object`].
    Read(String),
    /// A segment to check; answer, at any time, with [`Fsck::handle_outcome`].
    Check(Box<SegmentTask>),
    /// Nothing more.
    Done,
}

/// An object of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// What was asked for with [`Request::Read`].
#[derive(Debug)]
enum Awaited {
    Commit,
    Derived(Derived),
    Head(Box<Head>),
    Checkpoint,
}

/// A check of a whole archive.
#[derive(Debug)]
pub struct Fsck {
    replay: Replay,
    findings: Findings,
    progress: Progress,
    listings: usize,
    /// Sequence numbers of the commit objects that are not read yet.
    commits: BTreeSet<u64>,
    /// Sequence numbers of the heads whose commits are not read yet.
    heads: BTreeSet<u64>,
    /// Objects of segments that no manifest has named yet, and their sizes.
    unnamed: BTreeMap<String, u64>,
    has_checkpoint: bool,
    tiles: Tiles,
    tasks: VecDeque<SegmentTask>,
    reads: VecDeque<Derived>,
    /// What the head of the commit that was read last must say.
    next_head: Option<Box<Head>>,
    awaited: Option<Awaited>,
    /// The log is read as far as it goes.
    log_ended: bool,
    checkpoint_asked: bool,
    /// Digests of the checkpoints of all commits.
    checkpoints: HashSet<Hash>,
    unverifiable: Vec<String>,
    report: Report,
    computed: HashSet<[u8; 16]>,
}

impl Fsck {
    /// A check by a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            replay: Replay::new(policy),
            findings: Findings::default(),
            progress: Progress::default(),
            listings: 0,
            commits: BTreeSet::new(),
            heads: BTreeSet::new(),
            next_head: None,
            unnamed: BTreeMap::new(),
            has_checkpoint: false,
            tiles: Tiles::default(),
            tasks: VecDeque::new(),
            reads: VecDeque::new(),
            awaited: None,
            log_ended: false,
            checkpoint_asked: false,
            checkpoints: HashSet::new(),
            unverifiable: Vec::new(),
            report: Report::default(),
            computed: HashSet::new(),
        }
    }

    /// What to do next; see the contract of the module.
    pub fn poll(&mut self) -> Request {
        if let Some(directory) = LISTED.get(self.listings) {
            return Request::List(directory);
        }
        if let Some(task) = self.tasks.pop_front() {
            return Request::Check(Box::new(task));
        }
        if let Some(derived) = self.reads.pop_front() {
            let path = derived.path.clone();
            self.awaited = Some(Awaited::Derived(derived));
            return Request::Read(path);
        }
        if let Some(head) = self.next_head.take() {
            let path = layout::head(head.sequence);
            self.awaited = Some(Awaited::Head(head));
            return Request::Read(path);
        }
        if !self.log_ended {
            let next = self.replay.next_sequence();
            if self.commits.remove(&next) {
                self.awaited = Some(Awaited::Commit);
                return Request::Read(layout::commit(next));
            }
            self.end_log();
            return self.poll();
        }
        if !self.checkpoint_asked {
            self.checkpoint_asked = true;
            if self.has_checkpoint {
                self.awaited = Some(Awaited::Checkpoint);
                return Request::Read(layout::CHECKPOINT.to_owned());
            }
            self.missing_derived(layout::CHECKPOINT);
        }
        Request::Done
    }

    /// The objects below the directory that was asked for.
    pub fn handle_listing(&mut self, objects: Vec<Listed>) {
        self.listings = self.listings.saturating_add(1);
        for Listed { path, size_bytes } in objects {
            self.progress.bytes_total = self.progress.bytes_total.saturating_add(size_bytes);
            if let Some(sequence) = layout::parse_commit(&path) {
                self.commits.insert(sequence);
                self.progress.commits_total = self.progress.commits_total.saturating_add(1);
            } else if let Some(sequence) = layout::parse_head(&path) {
                self.heads.insert(sequence);
            } else if path == layout::CHECKPOINT {
                self.has_checkpoint = true;
            } else if path.starts_with(layout::LOG) && path.starts_with("log/") {
                if !self.tiles.list(&path) {
                    self.unexpected(&path);
                }
            } else {
                if layout::SegmentName::parse(&path).is_some() {
                    self.progress.segments_total = self.progress.segments_total.saturating_add(1);
                }
                self.unnamed.insert(path, size_bytes);
            }
        }
    }

    /// The bytes of the object that was asked for; `None` if it is not there.
    pub fn handle_object(&mut self, bytes: Option<Bytes>) {
        let size = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.progress.bytes_done = self.progress.bytes_done.saturating_add(size);
        match (self.awaited.take(), bytes) {
            (None, _) => {}
            (Some(Awaited::Commit), Some(bytes)) => self.commit(&bytes),
            (Some(Awaited::Commit), None) => {
                let path = layout::commit(self.replay.next_sequence());
                self.failed(Fault::new("object exists", path, "the listed object", "none"));
                self.end_log();
            }
            (Some(Awaited::Derived(derived)), bytes) => {
                let expected = self.tiles.expected(&derived);
                self.compare(&derived.path, &expected, bytes.as_ref());
            }
            (Some(Awaited::Head(expected)), bytes) => self.head(&expected, bytes.as_ref()),
            (Some(Awaited::Checkpoint), bytes) => self.published_checkpoint(bytes.as_ref()),
        }
    }

    /// What came of a segment.
    pub fn handle_outcome(&mut self, outcome: SegmentOutcome) {
        for finding in outcome.findings {
            self.findings.push(finding);
        }
        self.progress.segments_done = self.progress.segments_done.saturating_add(1);
        self.progress.events_done = self.progress.events_done.saturating_add(outcome.events);
        self.progress.bytes_done = self.progress.bytes_done.saturating_add(outcome.bytes);
        self.report.segments = self.report.segments.saturating_add(1);
        self.report.events = self.report.events.saturating_add(outcome.events);
        self.report.bytes = self.report.bytes.saturating_add(outcome.bytes);
        for (reason, count) in outcome.quarantined {
            let total = self.report.quarantined.entry(reason).or_default();
            *total = total.saturating_add(count);
        }
        for id in outcome.computed_ids {
            if !self.computed.insert(id) {
                self.report.repeated_computed_events =
                    self.report.repeated_computed_events.saturating_add(1);
            }
        }
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// The report; all answers must be in.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let orphans: Vec<_> = std::mem::take(&mut self.unnamed).into_keys().collect();
        for path in orphans {
            self.findings.push(Finding {
                severity: Severity::Warning,
                fault: Fault::new("named by a manifest", path, "a manifest", "none: an orphan"),
            });
        }
        let mut report = self.report;
        report.origin = self.replay.origin().to_owned();
        report.commits = self.replay.next_sequence();
        report.entries = self.replay.size();
        report.root = hash::to_hex(&self.replay.root());
        report.partitions = PartitionReport::of(self.replay.chains());
        let unverifiable = (!self.unverifiable.is_empty()).then(|| self.unverifiable.join("; "));
        report.judge(self.findings, unverifiable);
        report
    }

    fn commit(&mut self, bytes: &Bytes) {
        let path = layout::commit(self.replay.next_sequence());
        let entries = match self.replay.apply(bytes) {
            Ok(entries) => entries,
            Err(distrust) => {
                match distrust {
                    Distrust::Failed(mut fault) => {
                        if !fault.place.contains(&path) {
                            fault.place = format!("{path}: {}", fault.place);
                        }
                        self.failed(fault);
                    }
                    Distrust::Unverifiable(why) => self.cannot_judge(why),
                }
                self.end_log();
                return;
            }
        };
        self.progress.commits_done = self.progress.commits_done.saturating_add(1);
        self.checkpoints.insert(hash::sha256(self.replay.checkpoint().as_bytes()));
        if let Some(head) = self.replay.head() {
            if self.heads.remove(&head.sequence) {
                self.next_head = Some(Box::new(head));
            } else {
                self.missing_derived(&layout::head(head.sequence));
            }
        }
        for entry in entries {
            self.reads.extend(self.tiles.append(entry.leaf, entry.envelope));
            let mut named = true;
            for subject in entry.opened.manifest.subjects() {
                named &= self.unnamed.remove(&subject.name).is_some();
            }
            let place = format!("log entry {}", entry.index);
            match entry.opened.manifest {
                Manifest::Segment(manifest) => self.tasks.push_back(SegmentTask {
                    index: entry.index,
                    listed: named,
                    manifest: *manifest,
                }),
                Manifest::Installation(_) => {}
                Manifest::Amendment(manifest) => self.cannot_judge(format!(
                    "{place} is of kind `{}`, whose effect this version does not check",
                    manifest.kind.name()
                )),
                Manifest::Unknown(manifest) => self.cannot_judge(format!(
                    "{place} is of kind `{}`, which this version does not know",
                    manifest.kind
                )),
            }
        }
    }

    /// No commit follows, or none that can be believed.
    fn end_log(&mut self) {
        self.log_ended = true;
        let next = self.replay.next_sequence();
        if self.unverifiable.is_empty() && (next == 0 || !self.commits.is_empty()) {
            let found = match self.commits.first() {
                Some(sequence) => format!("the next that is there is commit {sequence}"),
                None => "no commit".to_owned(),
            };
            let fault =
                Fault::new("commits are in sequence", layout::commit(next), "the commit", found);
            if !self.findings.names(&fault.place) {
                self.failed(fault);
            }
        }
        let (reads, missing, unexpected) = self.tiles.end();
        self.reads.extend(reads);
        for path in missing {
            self.missing_derived(&layout::tile(&path));
        }
        for path in unexpected {
            self.unexpected(&path);
        }
        for sequence in std::mem::take(&mut self.heads) {
            self.unexpected(&layout::head(sequence));
        }
    }

    /// A head is derived again from everything before it, and only then compared.
    fn head(&mut self, expected: &Head, bytes: Option<&Bytes>) {
        const STEP: &str = "follows from the commits";
        let path = layout::head(expected.sequence);
        let Some(bytes) = bytes else {
            self.missing_derived(&path);
            return;
        };
        match Head::open(bytes, self.replay.policy().logs()) {
            Ok(found) if found == *expected => {}
            Ok(found) => {
                self.failed(Fault::new(STEP, path, format!("{expected:?}"), format!("{found:?}")));
            }
            Err(error) => {
                self.failed(Fault::new(STEP, path, "a signed head", error.to_string()));
            }
        }
    }

    fn published_checkpoint(&mut self, bytes: Option<&Bytes>) {
        let current = self.replay.checkpoint().as_bytes().to_vec();
        let earlier = bytes.is_some_and(|bytes| {
            bytes.as_ref() != current.as_slice() && self.checkpoints.contains(&hash::sha256(bytes))
        });
        if earlier {
            self.findings.push(Finding {
                severity: Severity::Derived,
                fault: Fault::new(
                    "follows from the commits",
                    layout::CHECKPOINT,
                    "the checkpoint of the last commit",
                    "that of an earlier one; the sealer writes it again",
                ),
            });
        } else {
            self.compare(layout::CHECKPOINT, &current, bytes);
        }
    }

    fn compare(&mut self, path: &str, expected: &[u8], found: Option<&Bytes>) {
        let show = |bytes: &[u8]| {
            format!("{} bytes with SHA-256 {}", bytes.len(), hash::to_hex(&hash::sha256(bytes)))
        };
        match found {
            None => self.missing_derived(path),
            Some(found) if found.as_ref() == expected => {}
            Some(found) => self.failed(Fault::new(
                "follows from the commits",
                path,
                show(expected),
                show(found),
            )),
        }
    }

    /// Notes why something cannot be judged; the first few reasons are enough.
    fn cannot_judge(&mut self, why: String) {
        if self.unverifiable.len() < REASONS_MAX {
            self.unverifiable.push(why);
        }
    }

    fn failed(&mut self, fault: Fault) {
        self.findings.push(Finding { severity: Severity::Failed, fault });
    }

    fn missing_derived(&mut self, path: &str) {
        self.findings.push(Finding {
            severity: Severity::Derived,
            fault: Fault::new(
                "follows from the commits",
                path,
                "the object",
                "none; it can be rebuilt from the commits",
            ),
        });
    }

    fn unexpected(&mut self, path: &str) {
        self.findings.push(Finding {
            severity: Severity::Warning,
            fault: Fault::new(
                "known object",
                path,
                "no such object",
                "an object that nothing names",
            ),
        });
    }
}
