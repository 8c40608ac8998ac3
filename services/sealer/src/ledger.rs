//! The transparency log in an archive: reading it, adding to it, publishing what follows from it.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use archive::{Archive, ArchiveError, Creation};
use bytes::Bytes;
use event::TopicPartition;
use merkle::checkpoint::Checkpoint;
use merkle::note::{SigningKey, VerifyingKey};
use segment::layout;
use segment::log::{
    ChainEnd, CommitError, DerivedObject, Head, LogKey, LogState, ResumeError, last_commit,
};
use segment::manifest::{HeadRef, Installation, KeyManifest, Manifest, SignerUse};
use tracing::{info, warn};

use crate::program::PROGRAM;
use crate::retry::Retry;
use crate::{Keys, RunError};

/// Commits that are read at once when the log is loaded.
const LOAD_AT_ONCE: usize = 64;

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is part of the log.
    Committed,
    /// Another sealer was quicker; the log was read again.
    Lost,
}

/// The first commit, and what follows from it.
#[derive(Debug)]
struct First {
    bytes: Bytes,
    derived: Vec<DerivedObject>,
}

/// Derived objects that were missing and were written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    tiles: u64,
    heads: u64,
}

impl AddAssign for Written {
    fn add_assign(&mut self, more: Self) {
        self.tiles += more.tiles;
        self.heads += more.heads;
    }
}

/// What [`rebuild`](crate::rebuild()) found and wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Commits of the log.
    pub commits: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Tiles and entry bundles that were missing and were written.
    pub tiles: u64,
    /// Heads that were missing and were written.
    pub heads: u64,
    /// Whether the checkpoint was missing or behind, and was written.
    pub checkpoint: bool,
}

/// The log, as far as it was read.
#[derive(Debug)]
pub(crate) struct Ledger {
    archive: Archive,
    retry: Retry,
    key: SigningKey,
    verifiers: Vec<VerifyingKey>,
    state: LogState,
}

impl Ledger {
    /// Reads and verifies the log from its newest head on, and writes again what is missing of what
    /// follows from the commits read.
    pub(crate) fn open(archive: &Archive, keys: &Keys, retry: &Retry) -> Result<Self, RunError> {
        let (mut ledger, first) = Self::begin(archive, keys, retry)?;
        let last = ledger.last_commit()?;
        match ledger.resume(&first.bytes, last)? {
            Some(state) => ledger.state = state,
            None => {
                ledger.publish_first(first)?;
            }
        }
        ledger.catch_up(last, None, &mut |_, _| {})?;
        ledger.refuse_if_set_back()?;
        ledger.publish_checkpoint()?;
        ledger.refresh()?;
        let (size, commits) = (ledger.state.size(), ledger.state.next_sequence());
        info!(origin = ledger.state.origin(), size, commits, "loaded the transparency log");
        Ok(ledger)
    }

    /// Reads and verifies the whole log, and writes again what is missing of what follows from it.
    pub(crate) fn rebuild(
        archive: &Archive,
        keys: &Keys,
        retry: &Retry,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Rebuilt, RunError> {
        let (mut ledger, first) = Self::begin(archive, keys, retry)?;
        let last = ledger.last_commit()?;
        let listed = ledger.listed()?;
        let mut written = ledger.publish_first(first)?;
        written += ledger.catch_up(last, Some(listed), progress)?;
        ledger.refuse_if_set_back()?;
        let checkpoint = ledger.publish_checkpoint()?;
        ledger.refresh()?;
        let Written { tiles, heads } = written;
        let (commits, entries) = (ledger.state.next_sequence(), ledger.state.size());
        Ok(Rebuilt { commits, entries, tiles, heads, checkpoint })
    }

    /// The log as its first commit leaves it, in a store that is fit for it.
    fn begin(archive: &Archive, keys: &Keys, retry: &Retry) -> Result<(Self, First), RunError> {
        let verifiers = keys.verifiers();
        let genesis = match retry.run(|| archive.get(&layout::commit(0))) {
            Err(ArchiveError::NotFound { .. }) => {
                return Err(RunError::NoLog(archive.location().to_owned()));
            }
            outcome => outcome?,
        };
        retry.run(|| archive.check_create_if_absent())?;
        let (state, derived) =
            LogState::open_and_derive(&genesis, &verifiers).map_err(RunError::NotOurs)?;
        let (expected, found) = (keys.log.name(), state.origin());
        if expected != found {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            return Err(RunError::Origin { expected, found });
        }
        let ledger = Self {
            archive: archive.clone(),
            retry: retry.clone(),
            key: keys.log.clone(),
            verifiers,
            state,
        };
        Ok((ledger, First { bytes: genesis, derived }))
    }

    /// Writes what follows from the first commit but the checkpoint, which a later one has replaced.
    fn publish_first(&self, mut first: First) -> Result<Written, RunError> {
        self.settle(&layout::commit(0), &first.bytes)?;
        first.derived.retain(|object| object.path != layout::CHECKPOINT);
        let tiles = self.publish(&first.derived)?;
        Ok(Written { tiles, heads: self.publish_head()?.into() })
    }

    /// Paths of the log's objects, by a listing, which may lag.
    fn listed(&self) -> Result<BTreeSet<String>, RunError> {
        let listed = self.retry.run(|| self.archive.list(layout::LOG))?;
        Ok(listed.into_iter().map(|object| object.path).collect())
    }

    /// Number of the last commit. The published checkpoint is only a hint: there are at most as many
    /// commits as entries.
    fn last_commit(&self) -> Result<u64, RunError> {
        let hint = match self.retry.run(|| self.archive.get(layout::CHECKPOINT)) {
            Err(ArchiveError::NotFound { .. }) => 0,
            outcome => layout::commit_hint(&outcome?),
        };
        let exists = |number| self.retry.run(|| self.archive.exists(&layout::commit(number)));
        let last = last_commit(hint, exists)?;
        last.ok_or_else(|| RunError::NoLog(self.archive.location().to_owned()))
    }

    /// The state at the newest head that holds, looking back from a commit in growing steps; `None`
    /// if there is none.
    fn resume(&self, genesis: &[u8], last: u64) -> Result<Option<LogState>, RunError> {
        let mut back = 0_u64;
        while let Some(sequence) = last.checked_sub(back) {
            if let Some(state) = self.resume_at(genesis, sequence)? {
                return Ok(Some(state));
            }
            // Ends the search once there is nothing so far back.
            back = if back == 0 { 1 } else { back.saturating_mul(2) };
        }
        Ok(None)
    }

    fn resume_at(&self, genesis: &[u8], sequence: u64) -> Result<Option<LogState>, RunError> {
        let Some(object) = self.get(&layout::head(sequence))? else { return Ok(None) };
        let head = match Head::open(&object, &self.verifiers) {
            Ok(head) => head,
            Err(error) => {
                warn!(%error, commit = sequence, "a head does not hold; using an earlier one");
                return Ok(None);
            }
        };
        let Some(commit) = self.get(&layout::commit(sequence))? else { return Ok(None) };
        let mut edge = Vec::new();
        for path in LogState::edge(head.size()) {
            match self.get(&path)? {
                Some(bytes) => edge.push(bytes),
                None => {
                    warn!(path, "a tile is missing; using an earlier head");
                    return Ok(None);
                }
            }
        }
        match LogState::resume(genesis, &head, &commit, &edge, &self.verifiers) {
            Ok(state) => Ok(Some(state)),
            // A wrong tile would be published further.
            Err(ResumeError::Tile(path)) => Err(RunError::Derived(path)),
            Err(error) => {
                warn!(%error, commit = sequence, "a head does not hold; using an earlier one");
                Ok(None)
            }
        }
    }

    fn get(&self, path: &str) -> Result<Option<Bytes>, RunError> {
        match self.retry.run(|| self.archive.get(path)) {
            Err(ArchiveError::NotFound { .. }) => Ok(None),
            outcome => Ok(Some(outcome?)),
        }
    }

    /// Applies the commits up to the last one, and writes what follows from them but the checkpoint.
    /// What is listed is taken to be there.
    fn catch_up(
        &mut self,
        last: u64,
        listed: Option<BTreeSet<String>>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Written, RunError> {
        let first = self.state.next_sequence();
        let numbers: Vec<u64> = (first..=last).collect();
        let listed = match listed {
            Some(listed) => listed,
            // Where much is to be caught up with, most of what follows is there already.
            None if numbers.len() > LOAD_AT_ONCE => self.listed()?,
            None => BTreeSet::new(),
        };
        let mut written = Written::default();
        for numbers in numbers.chunks(LOAD_AT_ONCE) {
            let paths: Vec<_> = numbers.iter().map(|number| layout::commit(*number)).collect();
            let commits = self.retry.run(|| self.archive.get_many(&paths));
            let commits = commits.map_err(|error| {
                if let ArchiveError::NotFound { path } = &error
                    && let Some(missing) = layout::parse_commit(path)
                {
                    return RunError::MissingCommit { missing, found: last };
                }
                RunError::from(error)
            })?;
            for ((number, path), bytes) in numbers.iter().zip(&paths).zip(commits) {
                if *number == last {
                    self.settle(path, &bytes)?;
                }
                let mut derived = self.apply(&bytes)?;
                derived.retain(|object| {
                    let is_there = *number != last && listed.contains(&object.path);
                    object.path != layout::CHECKPOINT && !is_there
                });
                written.tiles += self.publish(&derived)?;
                if *number == last || !listed.contains(&layout::head(*number)) {
                    written.heads += u64::from(self.publish_head()?);
                }
                progress(*number, last);
            }
        }
        Ok(written)
    }

    /// Writes the head of the last commit applied, after the tiles that it stands on; whether it was
    /// missing.
    fn publish_head(&self) -> Result<bool, RunError> {
        let Some(head) = self.state.head() else { return Ok(false) };
        let path = layout::head(head.sequence);
        let bytes = Bytes::from(head.sign(&self.key));
        match self.retry.run(|| self.archive.put_new(&path, bytes.clone())) {
            Err(ArchiveError::AlreadyExists { .. }) => {
                // Nothing depends on it: whoever meets a wrong head uses an earlier one.
                if self.get(&path)?.is_some_and(|found| found != bytes) {
                    warn!(path, "another object stands where a head should be");
                }
                Ok(false)
            }
            outcome => outcome.map(|()| true).map_err(RunError::from),
        }
    }

    /// Makes sure that the last commit survives power loss before anything follows from it: its
    /// writer may have died before it could.
    fn settle(&self, path: &str, bytes: &Bytes) -> Result<(), RunError> {
        match self.retry.run(|| self.archive.put_new(path, bytes.clone())) {
            Ok(()) => {
                warn!(commit = path, "a commit had vanished and was written again");
                Ok(())
            }
            Err(ArchiveError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what other sealers have added.
    pub(crate) fn refresh(&mut self) -> Result<(), RunError> {
        loop {
            let path = layout::commit(self.state.next_sequence());
            let bytes = match self.retry.run(|| self.archive.get(&path)) {
                Err(ArchiveError::NotFound { .. }) => return Ok(()),
                outcome => outcome?,
            };
            self.settle(&path, &bytes)?;
            let derived = self.apply(&bytes)?;
            self.publish(&derived)?;
            self.publish_head()?;
        }
    }

    /// Adds entries to the log, which must continue the chains of their partitions. The creation of
    /// the commit object is the moment at which they become true.
    pub(crate) fn commit(&mut self, entries: Vec<String>) -> Result<Outcome, RunError> {
        let planned = self.state.plan(entries, &self.key).map_err(RunError::Log)?;
        let bytes = Bytes::from(planned.bytes);
        // Segment names are random, so equal bytes are ours, and the same bytes may be put again.
        let outcome = match self.retry.run(|| self.archive.create_object(&planned.path, &bytes)) {
            Ok(Creation::Ours) => Outcome::Committed,
            Ok(Creation::Theirs(_)) => {
                self.refresh()?;
                return Ok(Outcome::Lost);
            }
            Err(error @ ArchiveError::Unavailable { .. }) => {
                return Err(RunError::UnknownOutcome { sequence: planned.sequence, error });
            }
            Err(error) => return Err(error.into()),
        };
        let derived = self.apply(&bytes)?;
        self.publish(&derived)?;
        self.publish_head()?;
        // If another sealer has committed meanwhile, its checkpoint may just have been replaced by
        // our older one.
        self.refresh()?;
        Ok(outcome)
    }

    /// Adds an entry that accepts a key, unless there is one; gives its number. Whoever commits first, the
    /// other tries again.
    pub(crate) fn accept(
        &mut self,
        used_for: SignerUse,
        key: &VerifyingKey,
        signer: &SigningKey,
    ) -> Result<u64, RunError> {
        loop {
            let is_it = |found: &&LogKey| found.used_for == used_for && found.key == *key;
            if let Some(found) = self.accepted().iter().find(is_it) {
                return Ok(found.entry);
            }
            let manifest = KeyManifest {
                log: self.origin().to_owned(),
                key: key.clone(),
                used_for,
                program: PROGRAM.to_owned(),
            };
            let index = self.size();
            let entry = Manifest::Key(manifest)
                .sign(signer)
                .map_err(|error| RunError::Log(CommitError::Entry { index, error }))?;
            match self.commit(vec![entry])? {
                Outcome::Committed | Outcome::Lost => {}
            }
        }
    }

    /// The keys that entries of the log accepted.
    pub(crate) fn accepted(&self) -> &[LogKey] {
        self.state.accepted()
    }

    fn apply(&mut self, bytes: &[u8]) -> Result<Vec<DerivedObject>, RunError> {
        let sequence = self.state.next_sequence();
        let (_, derived) =
            self.state.apply_and_derive(sequence, bytes, &self.verifiers).map_err(RunError::Log)?;
        Ok(derived)
    }

    /// Writes what follows from a commit, in the order given. Nothing of it is replaced but the
    /// checkpoint. Returns how many of the others were missing.
    fn publish(&self, objects: &[DerivedObject]) -> Result<u64, RunError> {
        let mut missing = 0;
        for DerivedObject { path, bytes } in objects {
            if path == layout::CHECKPOINT {
                self.retry.run(|| self.archive.put(path, bytes.clone()))?;
                continue;
            }
            match self.retry.run(|| self.archive.put_new(path, bytes.clone())) {
                Err(ArchiveError::AlreadyExists { .. }) => {
                    let found = self.retry.run(|| self.archive.get(path))?;
                    if found != *bytes {
                        return Err(RunError::Derived(path.clone()));
                    }
                }
                outcome => {
                    outcome?;
                    missing += 1;
                }
            }
        }
        Ok(missing)
    }

    /// Makes sure that nothing signed by the log reaches further than its commits do. All that follows
    /// from a commit is written when the commit is durable, so commits were lost, or an older copy was
    /// put back.
    fn refuse_if_set_back(&mut self) -> Result<(), RunError> {
        while let Some((object, size)) = self.ahead()? {
            let found = self.state.size();
            // Another sealer may have committed meanwhile.
            self.refresh()?;
            if self.state.size() == found {
                return Err(RunError::SetBack { object, size, found });
            }
        }
        Ok(())
    }

    /// An object that the log has signed for more entries than it has, and how many.
    fn ahead(&self) -> Result<Option<(String, u64)>, RunError> {
        let size = self.state.size();
        if let Some(object) = self.get(layout::CHECKPOINT)? {
            let note = std::str::from_utf8(&object).ok();
            let opened = note.and_then(|note| Checkpoint::open(note, &self.verifiers).ok());
            if let Some(ahead) = opened.filter(|found| found.size > size) {
                return Ok(Some((layout::CHECKPOINT.to_owned(), ahead.size)));
            }
        }
        let path = layout::head(self.state.next_sequence());
        let object = self.get(&path)?;
        let opened = object.and_then(|object| Head::open(&object, &self.verifiers).ok());
        Ok(opened.map(|head| (path, head.size())))
    }

    /// Writes the checkpoint unless it is there; whether it was not.
    fn publish_checkpoint(&self) -> Result<bool, RunError> {
        let checkpoint = self.state.checkpoint().as_bytes();
        match self.retry.run(|| self.archive.get(layout::CHECKPOINT)) {
            Ok(found) if found == checkpoint => Ok(false),
            Ok(_) | Err(ArchiveError::NotFound { .. }) => {
                let bytes = Bytes::copy_from_slice(checkpoint);
                self.retry.run(|| self.archive.put(layout::CHECKPOINT, bytes.clone()))?;
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn end(&self, partition: &TopicPartition) -> Option<&ChainEnd> {
        self.state.end(partition)
    }

    /// The log as it is, as the manifests of the next commit must name it.
    pub(crate) const fn head(&self) -> Option<HeadRef> {
        self.state.reference()
    }

    /// The log after a commit, as its head says; `None` without a head that holds.
    ///
    /// # Errors
    ///
    /// Those of the archive.
    pub(crate) fn head_at(&self, sequence: u64) -> Result<Option<HeadRef>, RunError> {
        let head = self.get(&layout::head(sequence))?;
        let head = head.and_then(|object| Head::open(&object, &self.verifiers).ok());
        Ok(head.filter(|head| head.sequence == sequence).map(|head| head.reference()))
    }

    pub(crate) const fn installation(&self) -> &Installation {
        self.state.installation()
    }

    pub(crate) fn origin(&self) -> &str {
        self.state.origin()
    }

    pub(crate) fn size(&self) -> u64 {
        self.state.size()
    }
}
