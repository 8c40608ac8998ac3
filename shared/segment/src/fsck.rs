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
mod kept;
mod listing;
mod published;
mod report;
mod request;
mod schemas;
mod segment_task;
mod tiles;

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use merkle::{Hash, hash};

pub use self::findings::{Finding, Severity};
pub use self::listing::LOG_BYTES_MAX;
pub use self::report::{PartitionReport, Progress, Report};
pub use self::request::{Listed, Request};
pub(crate) use self::segment_task::same_object;
pub use self::segment_task::{SegmentOutcome, SegmentTask, same_facts};

use self::findings::{Findings, ORPHAN_STEP};
use self::kept::Kept;
use self::listing::Listing;
use self::published::Published;
use self::schemas::Schemas;
use self::tiles::{Derived, Tiles};
use crate::fault::{Distrust, Fault};
use crate::layout;
use crate::log::Head;
use crate::manifest::Manifest;
use crate::policy::Policy;
use crate::replay::Replay;

/// Directories whose objects are listed.
const LISTED: [&str; 4] = ["log", "data", "census", "schemas"];

/// Most reasons for UNVERIFIABLE that are kept.
const REASONS_MAX: usize = 20;

/// What was asked for with [`Request::Read`].
#[derive(Debug)]
enum Awaited {
    Commit,
    Derived(Derived),
    /// A head, and whether its commit was listed.
    Head(Box<Head>, bool),
    Schemas(Hash),
    Checkpoint,
}

/// A check of a whole archive.
#[derive(Debug)]
pub struct Fsck {
    replay: Replay,
    findings: Findings,
    progress: Progress,
    listings: usize,
    listed: Listing,
    /// A checkpoint that the log must contain.
    kept: Option<Kept>,
    /// Something could not be read to its end or is of an unknown kind: what nothing names may be named
    /// there.
    is_partial: bool,
    /// A commit could not be applied.
    stopped: bool,
    tiles: Tiles,
    tasks: VecDeque<SegmentTask>,
    reads: VecDeque<Derived>,
    schemas: Schemas,
    /// What the head of the commit that was read last must say.
    next_head: Option<(Box<Head>, bool)>,
    awaited: Option<Awaited>,
    /// The log is read as far as it goes.
    log_ended: bool,
    published: Published,
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
            listed: Listing::default(),
            next_head: None,
            kept: None,
            is_partial: false,
            stopped: false,
            tiles: Tiles::default(),
            tasks: VecDeque::new(),
            reads: VecDeque::new(),
            schemas: Schemas::default(),
            awaited: None,
            log_ended: false,
            published: Published::default(),
            checkpoints: HashSet::new(),
            unverifiable: Vec::new(),
            report: Report::default(),
            computed: HashSet::new(),
        }
    }

    /// The log must contain what this signed checkpoint vouches for, which was kept from earlier.
    #[must_use]
    pub fn with_kept_checkpoint(mut self, note: &str) -> Self {
        match Kept::open(self.replay.policy(), note) {
            Ok(kept) => self.kept = Some(kept),
            Err(Distrust::Failed(fault)) => self.findings.fail(fault),
            Err(Distrust::Unverifiable(why)) => self.cannot_judge(why),
        }
        self
    }

    /// What to do next; see the contract of the module.
    pub fn poll(&mut self) -> Request {
        loop {
            let request = self.next_request();
            let Request::Read(path) = &request else { return request };
            let Some(size) = self.listed.oversized.get(path) else { return request };
            let expected = format!("at most {} bytes", LOG_BYTES_MAX);
            let fault = Fault::new("object size", path.as_str(), expected, size.to_string());
            self.findings.fail(fault);
            if matches!(self.awaited.take(), Some(Awaited::Commit)) {
                self.is_partial = true;
                self.stopped = true;
                self.end_log();
            }
        }
    }

    fn next_request(&mut self) -> Request {
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
        if let Some(digest) = self.schemas.next() {
            self.awaited = Some(Awaited::Schemas(digest));
            return Request::Read(layout::schemas(&digest));
        }
        if let Some((head, is_listed)) = self.next_head.take() {
            let path = layout::head(head.sequence);
            self.awaited = Some(Awaited::Head(head, is_listed));
            return Request::Read(path);
        }
        if !self.log_ended {
            let next = self.replay.next_sequence();
            let is_listed = self.listed.commits.remove(&next);
            let is_first = next == 0 && !is_listed;
            if !is_listed && !is_first && self.published.ask() {
                self.awaited = Some(Awaited::Checkpoint);
                return Request::Read(layout::CHECKPOINT.to_owned());
            }
            // A listing of a directory that grows may have a commit and not the one before.
            let is_behind = self.published.follow(self.replay.size());
            if is_listed || !is_first && is_behind {
                self.awaited = Some(Awaited::Commit);
                return Request::Read(layout::commit(next));
            }
            self.end_log();
            return self.next_request();
        }
        Request::Done
    }

    /// The objects below the directory that was asked for.
    pub fn handle_listing(&mut self, objects: Vec<Listed>) {
        self.listings = self.listings.saturating_add(1);
        for object in objects {
            if let Some(path) = self.listed.add(object, &mut self.tiles, &mut self.progress) {
                self.findings.unexpected(&path);
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
            // The checkpoint is ahead of all commits, which is found when it is judged.
            (Some(Awaited::Commit), None) if self.published.is_followed() => self.end_log(),
            (Some(Awaited::Commit), None) => {
                let path = layout::commit(self.replay.next_sequence());
                self.findings.fail(Fault::new("object exists", path, "the listed object", "none"));
                self.end_log();
            }
            (Some(Awaited::Derived(derived)), bytes) => {
                let expected = self.tiles.expected(&derived);
                let is_expected =
                    bytes.is_some() || !derived.is_partial() || !self.published.is_followed();
                if is_expected {
                    self.findings.compare(&derived.path, &expected, bytes.as_ref());
                }
            }
            // That of the last commit may not be there yet.
            (Some(Awaited::Head(head, false)), None) => {
                self.published.miss_head(layout::head(head.sequence));
            }
            (Some(Awaited::Head(expected, _)), bytes) => self.head(&expected, bytes.as_ref()),
            (Some(Awaited::Schemas(digest)), bytes) => {
                if let Err(fault) = schemas::check(&digest, bytes.as_ref()) {
                    self.findings.fail(fault);
                }
            }
            (Some(Awaited::Checkpoint), bytes) => {
                self.published.take(bytes, self.replay.policy());
            }
        }
    }

    /// What was asked for last, a listing or an object, is there and cannot be read.
    pub fn handle_unreadable(&mut self, error: &str) {
        self.is_partial = true;
        if matches!(self.awaited, Some(Awaited::Checkpoint)) {
            // What is missing of the log is found all the same.
            self.awaited = None;
            self.published.cannot_read(error.to_owned());
            return;
        }
        self.cannot_judge(error.to_owned());
        match self.awaited.take() {
            None => self.listings = self.listings.saturating_add(1),
            Some(Awaited::Commit) => {
                self.stopped = true;
                self.end_log();
            }
            Some(
                Awaited::Derived(_) | Awaited::Head(..) | Awaited::Schemas(_) | Awaited::Checkpoint,
            ) => {}
        }
    }

    /// A segment is there and cannot be read.
    pub fn handle_unreadable_segment(&mut self, error: String) {
        self.cannot_judge(error);
        self.is_partial = true;
        self.progress.segments_done = self.progress.segments_done.saturating_add(1);
    }

    /// What is listed under a name that no object can have.
    pub fn handle_strangers(&mut self, strangers: Vec<String>) {
        for found in strangers {
            let fault = Fault::new("known object", "a listing", "the name of an object", found);
            self.findings.push(Finding { severity: Severity::Warning, fault });
        }
    }

    /// What came of a segment.
    pub fn handle_outcome(&mut self, outcome: SegmentOutcome) {
        for finding in outcome.findings {
            self.findings.push(finding);
        }
        if let Some(why) = outcome.unverifiable {
            self.is_partial = true;
            self.cannot_judge(why);
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
        if let Some(kept) = self.kept.take()
            && (!self.is_cut_off() || !self.listed.any)
            && let Err(fault) = kept.check(self.replay.origin())
        {
            self.findings.fail(fault);
        }
        let mut orphans: Vec<_> = std::mem::take(&mut self.listed.unnamed).into_keys().collect();
        // What is called an orphan may be deleted: not while something may be missing that names it.
        if self.is_partial || self.findings.failures > 0 {
            self.report.unjudged_objects = orphans.len() as u64;
            orphans.clear();
        }
        for path in orphans {
            self.findings.push(Finding {
                severity: Severity::Warning,
                fault: Fault::new(ORPHAN_STEP, path, "a manifest", "none: an orphan"),
            });
        }
        let mut report = self.report;
        report.origin = self.replay.origin().to_owned();
        report.commits = self.replay.next_sequence();
        report.entries = self.replay.size();
        report.root = hash::to_hex(&self.replay.root());
        report.accepted_keys = self.replay.believed().accepted().to_vec();
        report.hold(self.replay.chains());
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
                        self.findings.fail(fault);
                    }
                    Distrust::Unverifiable(why) => self.cannot_judge(why),
                }
                self.is_partial = true;
                self.stopped = true;
                self.end_log();
                return;
            }
        };
        self.progress.commits_done = self.progress.commits_done.saturating_add(1);
        self.checkpoints.insert(hash::sha256(self.replay.checkpoint().as_bytes()));
        if let Some(path) = self.published.take_late_head() {
            self.findings.missing(&path);
        }
        let is_listed = !self.published.is_followed();
        if let Some(head) = self.replay.head() {
            self.listed.heads.remove(&head.sequence);
            self.next_head = Some((Box::new(head), is_listed));
        }
        for entry in entries {
            if let Some(kept) = &mut self.kept {
                kept.add(entry.leaf);
            }
            self.reads.extend(self.tiles.append(entry.leaf, entry.envelope));
            let mut named = true;
            for subject in entry.opened.manifest.subjects() {
                named &= self.listed.unnamed.remove(&subject.name).is_some();
            }
            let place = format!("log entry {}", entry.index);
            match entry.opened.manifest {
                Manifest::Segment(manifest) => {
                    let path = manifest.writer_schemas.and_then(|digest| self.schemas.name(digest));
                    path.and_then(|path| self.listed.unnamed.remove(&path));
                    self.tasks.push_back(SegmentTask {
                        index: entry.index,
                        listed: named || !is_listed,
                        manifest: *manifest,
                    });
                }
                Manifest::Installation(_) | Manifest::Key(_) => {}
                Manifest::Amendment(manifest) => {
                    self.is_partial = true;
                    let kind = manifest.kind.name();
                    let why = "whose effect this version does not check";
                    self.cannot_judge(format!("{place} is of kind `{kind}`, {why}"));
                }
                Manifest::Unknown(manifest) => {
                    self.is_partial = true;
                    let (kind, why) = (&manifest.kind, "which this version does not know");
                    self.cannot_judge(format!("{place} is of kind `{kind}`, {why}"));
                }
            }
        }
    }

    /// No commit follows, or none that can be believed.
    fn end_log(&mut self) {
        self.log_ended = true;
        let next = self.replay.next_sequence();
        if next == 0 && !self.listed.any && self.unverifiable.is_empty() {
            self.is_partial = true;
            self.stopped = true;
            self.cannot_judge("there is no object: is this the root of an archive?".to_owned());
        }
        if self.unverifiable.is_empty() && (next == 0 || !self.listed.commits.is_empty()) {
            let found = match self.listed.commits.first() {
                Some(sequence) => format!("the next that is there is commit {sequence}"),
                None => "no commit".to_owned(),
            };
            let fault =
                Fault::new("commits are in sequence", layout::commit(next), "the commit", found);
            if !self.findings.names(&fault.place) {
                self.findings.fail(fault);
            }
        }
        if let Some(why) = self.published.take_unreadable() {
            self.cannot_judge(why);
        }
        if self.is_cut_off() {
            // What follows from the log follows from more of it than could be read.
            return;
        }
        let (reads, unexpected) = self.tiles.end();
        self.reads.extend(reads);
        let heads = std::mem::take(&mut self.listed.heads).into_iter().map(layout::head);
        // Of a log that grows, they are of commits that are not read any more.
        if !self.published.is_followed() {
            unexpected.into_iter().chain(heads).for_each(|path| self.findings.unexpected(&path));
        }
        let last = self.replay.checkpoint().as_bytes();
        self.published.judge(last, &self.checkpoints, &mut self.findings);
    }

    /// Whether the log could not be judged to its end.
    fn is_cut_off(&self) -> bool {
        self.log_ended && self.stopped
    }

    /// A head is derived again from everything before it, and only then compared.
    fn head(&mut self, expected: &Head, bytes: Option<&Bytes>) {
        const STEP: &str = "follows from the commits";
        let path = layout::head(expected.sequence);
        let Some(bytes) = bytes else {
            self.findings.missing(&path);
            return;
        };
        match Head::open(bytes, self.replay.policy().logs()) {
            Ok(found) if found == *expected => {}
            Ok(found) => {
                let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
                self.findings.fail(Fault::new(STEP, path, expected, found));
            }
            Err(error) => {
                self.findings.fail(Fault::new(STEP, path, "a signed head", error.to_string()));
            }
        }
    }

    /// Notes why something cannot be judged; the first few reasons are enough.
    fn cannot_judge(&mut self, why: String) {
        if self.unverifiable.len() < REASONS_MAX {
            self.unverifiable.push(why);
        }
    }
}
