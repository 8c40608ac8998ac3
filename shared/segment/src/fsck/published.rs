//! The published checkpoint, and a log that grows while it is checked.
//!
//! What is listed is as old as the listing. The checkpoint is read when the listed commits are; if it is of
//! a longer log, a sealer is at work, and the commits up to it are read one by one. It is judged at
//! the end, as one of the checkpoints of all these commits.

use std::collections::HashSet;

use bytes::Bytes;
use merkle::{Hash, hash};

use super::findings::{Finding, Findings, Severity};
use crate::fault::Fault;
use crate::layout;
use crate::policy::Policy;

/// The published checkpoint, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Published {
    is_asked: bool,
    is_read: bool,
    bytes: Option<Bytes>,
    /// Entries that it vouches for; 0 if it cannot be believed.
    size: u64,
    /// Whether commits were read that were not listed.
    is_followed: bool,
    /// Why it cannot be read.
    unreadable: Option<String>,
    /// The head of a commit that was not listed, which was not there: that of the last one may come.
    late_head: Option<String>,
}

impl Published {
    /// Whether it is to be read now: once.
    pub(super) const fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.is_asked, true)
    }

    /// Takes the object; `None` if it is not there.
    pub(super) fn take(&mut self, bytes: Option<Bytes>, policy: &Policy) {
        self.is_read = true;
        let note = bytes.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let opened = note.map(|note| policy.open_checkpoint(layout::CHECKPOINT, note));
        self.size = match opened {
            Some(Ok(checkpoint)) => checkpoint.size,
            Some(Err(_)) | None => 0,
        };
        self.bytes = bytes;
    }

    /// It is there and cannot be read.
    pub(super) fn cannot_read(&mut self, why: String) {
        self.unreadable = Some(why);
    }

    /// Why it cannot be read; once.
    pub(super) const fn take_unreadable(&mut self) -> Option<String> {
        self.unreadable.take()
    }

    /// The head of a commit that was not listed is not there.
    pub(super) fn miss_head(&mut self, path: String) {
        self.late_head = Some(path);
    }

    /// The head that was not there, when another commit follows.
    pub(super) const fn take_late_head(&mut self) -> Option<String> {
        self.late_head.take()
    }

    /// Whether it is of a log of more entries than were read: the next commit is there, though it was
    /// not listed.
    pub(super) const fn follow(&mut self, entries: u64) -> bool {
        let is_ahead = self.size > entries;
        self.is_followed |= is_ahead;
        is_ahead
    }

    /// Whether commits were read that were not listed: what follows from the last of them may not be
    /// there yet.
    pub(super) const fn is_followed(&self) -> bool {
        self.is_followed
    }

    /// Compares it with the checkpoint of the last commit, and those of all commits.
    pub(super) fn judge(&self, last: &[u8], checkpoints: &HashSet<Hash>, findings: &mut Findings) {
        let is_earlier = self.bytes.as_ref().is_some_and(|bytes| {
            bytes.as_ref() != last && checkpoints.contains(&hash::sha256(bytes))
        });
        if is_earlier {
            findings.push(Finding {
                severity: Severity::Derived,
                fault: Fault::new(
                    "follows from the commits",
                    layout::CHECKPOINT,
                    "the checkpoint of the last commit",
                    "that of an earlier one; the sealer writes it again",
                ),
            });
        } else if self.is_read {
            findings.compare(layout::CHECKPOINT, last, self.bytes.as_ref());
        }
    }
}
