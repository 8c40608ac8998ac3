//! Follows a log from commit to commit.

use archive::{Archive, ArchiveError};
use segment::layout;
use segment::policy::Policy;
use segment::replay::Replay;
use tracing::warn;

use crate::EvidenceError;
use crate::index::{Index, Lookup};

/// The verified part of a log; reading on costs what is new.
#[derive(Debug)]
pub(super) struct Follower<O> {
    open: O,
    /// `None` before it could be opened.
    archive: Option<Archive>,
    policy: Policy,
    /// `None` before the first time that the log could be read.
    replay: Option<Replay>,
}

impl<O: FnMut() -> Result<Archive, ArchiveError>> Follower<O> {
    pub(super) const fn new(open: O, policy: Policy) -> Self {
        Self { open, archive: None, policy, replay: None }
    }

    /// Reads and verifies the commits after the last one that was; how many there were. The first
    /// time these are the commits after the newest head.
    pub(super) fn advance(&mut self) -> Result<u64, EvidenceError> {
        let archive = match self.archive.take() {
            Some(archive) => archive,
            None => (self.open)()?,
        };
        let archive = &*self.archive.insert(archive);
        let mut commits = 0;
        let mut replay = match self.replay.take() {
            Some(replay) => replay,
            None => {
                let (replay, read) = begin(archive, &self.policy)?;
                commits = read;
                replay
            }
        };
        let outcome = follow(archive, &mut replay);
        // After a commit that does not hold, the log is begun anew: it may have been repaired.
        if !matches!(outcome, Err(EvidenceError::Log(_))) {
            self.replay = Some(replay);
        }
        outcome.map(|more| more + commits)
    }

    /// Entries that are verified.
    pub(super) fn entries(&self) -> u64 {
        self.replay.as_ref().map_or(0, Replay::size)
    }

    /// Origin of the log; empty before it was read.
    pub(super) fn origin(&self) -> &str {
        self.replay.as_ref().map_or("", Replay::origin)
    }
}

/// The log from its newest head on, and the number of commits read.
fn begin(archive: &Archive, policy: &Policy) -> Result<(Replay, u64), EvidenceError> {
    match Index::open(archive, policy)
        .and_then(|index| Ok((index.resume()?, index.newest.sequence)))
    {
        Ok((resumed, head)) => {
            let replay = resumed.replay;
            // The commit of the head was read too.
            let commits = replay.next_sequence().saturating_sub(head);
            Ok((replay, commits))
        }
        Err(Lookup::NoHeads) => {
            warn!("the archive has no valid head near its end; reading the whole log");
            Ok((Replay::new(policy.clone()), 0))
        }
        Err(Lookup::Failed(error)) => Err(error),
    }
}

/// Applies the commits that there are.
fn follow(archive: &Archive, replay: &mut Replay) -> Result<u64, EvidenceError> {
    let mut commits = 0;
    loop {
        let sequence = replay.next_sequence();
        match archive.get(&layout::commit(sequence)) {
            Ok(bytes) => {
                replay.apply(&bytes).map_err(EvidenceError::Log)?;
                commits += 1;
            }
            Err(ArchiveError::NotFound { .. }) if sequence == 0 => {
                return Err(EvidenceError::NoLog);
            }
            Err(ArchiveError::NotFound { .. }) => return Ok(commits),
            Err(error) => return Err(error.into()),
        }
    }
}
