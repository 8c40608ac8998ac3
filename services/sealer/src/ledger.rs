//! The transparency log in an archive: reading it, adding to it, publishing what follows from it.

use std::collections::BTreeSet;

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use event::TopicPartition;
use merkle::note::{SigningKey, VerifyingKey};
use segment::layout;
use segment::log::{ChainEnd, DerivedObject, LogState};
use segment::manifest::Installation;
use tracing::{info, warn};

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
    /// Reads and verifies the whole log, and writes again what is missing of tiles and checkpoint.
    pub(crate) fn open(archive: &Archive, keys: &Keys, retry: &Retry) -> Result<Self, RunError> {
        let verifiers = keys.verifiers();
        let genesis = match retry.run(|| archive.get(&layout::commit(0))) {
            Err(ArchiveError::NotFound { .. }) => {
                return Err(RunError::NoLog(archive.location().to_owned()));
            }
            outcome => outcome?,
        };
        let (state, derived) =
            LogState::open_and_derive(&genesis, &verifiers).map_err(RunError::Log)?;
        let (expected, found) = (keys.log.name(), state.origin());
        if expected != found {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            return Err(RunError::Origin { expected, found });
        }
        let mut ledger = Self {
            archive: archive.clone(),
            retry: retry.clone(),
            key: keys.log.clone(),
            verifiers,
            state,
        };
        ledger.load(genesis, derived)?;
        Ok(ledger)
    }

    fn load(&mut self, genesis: Bytes, mut derived: Vec<DerivedObject>) -> Result<(), RunError> {
        let listed = self.retry.run(|| self.archive.list(layout::COMMITS))?;
        let mut paths = Vec::new();
        for (missing, found) in
            (0..).zip(listed.iter().filter_map(|object| layout::parse_commit(&object.path)))
        {
            if missing != found {
                return Err(RunError::MissingCommit { missing, found });
            }
            paths.push(layout::commit(found));
        }
        let tiles = self.retry.run(|| self.archive.list(&layout::tile("tile")))?;
        let tiles: BTreeSet<_> = tiles.into_iter().map(|object| object.path).collect();

        let mut last = (layout::commit(0), genesis);
        for paths in paths.get(1..).unwrap_or_default().chunks(LOAD_AT_ONCE) {
            let commits = self.retry.run(|| self.archive.get_many(paths))?;
            for (path, bytes) in paths.iter().zip(commits) {
                // Partial tiles of an older size serve nobody; full ones stay for ever.
                derived.retain(|object: &DerivedObject| {
                    !object.path.contains(".p/")
                        && object.path != layout::CHECKPOINT
                        && !tiles.contains(&object.path)
                });
                self.publish(&std::mem::take(&mut derived))?;
                derived = self.apply(&bytes)?;
                last = (path.clone(), bytes);
            }
        }
        self.settle(&last.0, &last.1)?;
        self.publish(&derived)?;
        self.publish_checkpoint()?;
        self.refresh()?;
        let (size, commits) = (self.state.size(), self.state.next_sequence());
        info!(origin = self.state.origin(), size, commits, "loaded the transparency log");
        Ok(())
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

    /// Reads what other sealers have added. Returns how many commits that were.
    pub(crate) fn refresh(&mut self) -> Result<u64, RunError> {
        let mut added: u64 = 0;
        loop {
            let path = layout::commit(self.state.next_sequence());
            let bytes = match self.retry.run(|| self.archive.get(&path)) {
                Err(ArchiveError::NotFound { .. }) => return Ok(added),
                outcome => outcome?,
            };
            self.settle(&path, &bytes)?;
            let derived = self.apply(&bytes)?;
            self.publish(&derived)?;
            added = added.saturating_add(1);
        }
    }

    /// Adds entries to the log, which must continue the chains of their partitions. The creation of
    /// the commit object is the moment at which they become true.
    pub(crate) fn commit(&mut self, entries: Vec<String>) -> Result<Outcome, RunError> {
        let planned = self.state.plan(entries, &self.key).map_err(RunError::Log)?;
        let bytes = Bytes::from(planned.bytes);
        let outcome = match self.archive.put_new(&planned.path, bytes.clone()) {
            Ok(()) => Outcome::Committed,
            Err(ArchiveError::AlreadyExists { .. }) => {
                // A store that repeats requests by itself may have met its own first attempt.
                // Segment names are random, so equal bytes are ours.
                let theirs = self.retry.run(|| self.archive.get(&planned.path))?;
                if theirs != bytes {
                    self.refresh()?;
                    return Ok(Outcome::Lost);
                }
                Outcome::Committed
            }
            Err(error @ ArchiveError::Unavailable { .. }) => {
                return Err(RunError::UnknownOutcome { sequence: planned.sequence, error });
            }
            Err(error) => return Err(error.into()),
        };
        let derived = self.apply(&bytes)?;
        self.publish(&derived)?;
        // If another sealer has committed meanwhile, its checkpoint may just have been replaced by
        // our older one.
        self.refresh()?;
        Ok(outcome)
    }

    fn apply(&mut self, bytes: &[u8]) -> Result<Vec<DerivedObject>, RunError> {
        let sequence = self.state.next_sequence();
        let (_, derived) =
            self.state.apply_and_derive(sequence, bytes, &self.verifiers).map_err(RunError::Log)?;
        Ok(derived)
    }

    /// Writes what follows from a commit, in the order given. Nothing of it is replaced but the
    /// checkpoint.
    fn publish(&self, objects: &[DerivedObject]) -> Result<(), RunError> {
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
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Writes the checkpoint unless it is there.
    fn publish_checkpoint(&self) -> Result<(), RunError> {
        let checkpoint = self.state.checkpoint().as_bytes();
        match self.retry.run(|| self.archive.get(layout::CHECKPOINT)) {
            Ok(found) if found == checkpoint => Ok(()),
            Ok(_) | Err(ArchiveError::NotFound { .. }) => {
                let bytes = Bytes::copy_from_slice(checkpoint);
                Ok(self.retry.run(|| self.archive.put(layout::CHECKPOINT, bytes.clone()))?)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn end(&self, partition: &TopicPartition) -> Option<&ChainEnd> {
        self.state.end(partition)
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
