//! Follows a log from commit to commit.

use archive::{Archive, ArchiveError};
use segment::layout;
use segment::policy::Policy;
use segment::replay::Replay;

use crate::EvidenceError;

/// The verified part of a log; reading on costs what is new.
#[derive(Debug)]
pub(super) struct Follower {
    archive: Archive,
    replay: Replay,
    entries: u64,
}

impl Follower {
    pub(super) fn new(archive: Archive, policy: Policy) -> Self {
        Self { archive, replay: Replay::new(policy), entries: 0 }
    }

    /// Reads and verifies the commits after the last one that was; how many there were.
    pub(super) fn advance(&mut self) -> Result<u64, EvidenceError> {
        let mut commits = 0;
        loop {
            let sequence = self.replay.next_sequence();
            match self.archive.get(&layout::commit(sequence)) {
                Ok(bytes) => {
                    let added = self.replay.apply(&bytes).map_err(EvidenceError::Log)?;
                    self.entries += added.len() as u64;
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

    /// Entries that are verified.
    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Origin of the log.
    pub(super) fn origin(&self) -> &str {
        self.replay.origin()
    }
}
