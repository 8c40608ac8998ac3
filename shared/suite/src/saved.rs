//! The saved state of the suites: a head and entries, one for each suite, each version counted for
//! its gate and each run in progress. An entry is written again only when it has changed.
//!
//! Where entries are stored, and which of several saves is valid, is up to the caller.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::Suite;
use crate::recent::{encode, number_of_suite};
use crate::suites::{Limits, Live, Suites};

/// Identifier of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(Id);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Id {
    /// The document of a suite.
    Suite(u128),
    /// The counts of an agent version for a suite's gate.
    Tally { suite: u128, version: u128 },
    /// A run in progress.
    Run(u128),
}

impl EntryId {
    /// Unique name of the entry; at most 33 bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let name = |tag: u8, numbers: &[u128]| {
            let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
            std::iter::once(tag).chain(numbers).collect()
        };
        match self.0 {
            Id::Suite(suite) => name(b's', &[suite]),
            Id::Tally { suite, version } => name(b't', &[suite, version]),
            Id::Run(run) => name(b'r', &[run]),
        }
    }

    /// The entry with this name.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (first, rest) = rest.split_first_chunk()?;
        let first = u128::from_be_bytes(*first);
        let id = match (tag, rest.len()) {
            (b's', 0) => Id::Suite(first),
            (b't', 16) => {
                Id::Tally { suite: first, version: u128::from_be_bytes(*rest.first_chunk()?) }
            }
            (b'r', 0) => Id::Run(first),
            (_, _) => return None,
        };
        Some(Self(id))
    }
}

/// The part of the state that is saved every time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    limits: Limits,
    clock: u64,
    runs_forgotten: u64,
}

/// The saved state cannot be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the saved suites are inconsistent: {0}")]
pub struct ResumeError(String);

impl Suites {
    /// What must be saved to continue: returns the head, which replaces the previous one, and
    /// passes each entry that has changed since the last call (or since it was resumed) to `show`,
    /// at most once; `None` for one that was removed.
    pub fn take_changes(&mut self, mut show: impl FnMut(EntryId, Option<Vec<u8>>)) -> Head {
        for (name, live) in &mut self.live {
            let suite = number_of_suite(name);
            if self.changed.remove(&suite) {
                let saved = (live.suite.canonical(), live.since_offset);
                let bytes = encode(&saved);
                show(EntryId(Id::Suite(suite)), Some(bytes));
            }
            live.tallies.take_changes(|version, bytes| {
                show(EntryId(Id::Tally { suite, version }), bytes);
            });
        }
        for suite in std::mem::take(&mut self.changed) {
            show(EntryId(Id::Suite(suite)), None);
        }
        for (suite, mut tallies) in std::mem::take(&mut self.ended) {
            tallies.take_changes(|version, bytes| {
                show(EntryId(Id::Tally { suite, version }), bytes);
            });
        }
        self.runs.open.take_changes(|run, bytes| show(EntryId(Id::Run(run)), bytes));
        Head { limits: self.limits, clock: self.clock, runs_forgotten: self.runs.forgotten }
    }

    /// Resumes from a saved state: the last head, and the last version of each entry that was not
    /// removed, in any order.
    ///
    /// # Errors
    ///
    /// Entries that do not decode, or that belong to no suite.
    pub fn resume<B: AsRef<[u8]>>(
        head: &Head,
        entries: impl IntoIterator<Item = (EntryId, B)>,
    ) -> Result<Self, ResumeError> {
        let mut suites = Self::new(head.limits);
        suites.clock = head.clock;
        suites.runs.forgotten = head.runs_forgotten;
        let damaged = |error: postcard::Error| ResumeError(error.to_string());
        let mut counted = Vec::new();
        for (EntryId(id), bytes) in entries {
            match id {
                Id::Suite(_) => {
                    let (document, since_offset): (&str, i64) =
                        postcard::from_bytes(bytes.as_ref()).map_err(damaged)?;
                    let suite = Suite::from_canonical(document)
                        .map_err(|problems| ResumeError(problems.to_string()))?;
                    let tallies = Default::default();
                    let live = Live { suite, since_offset, tallies };
                    suites.live.insert(live.suite.name().to_owned(), live);
                }
                Id::Tally { suite, version } => counted.push((suite, version, bytes)),
                Id::Run(run) => suites.runs.open.restore(run, bytes.as_ref()).map_err(damaged)?,
            }
        }
        counted.sort_unstable_by_key(|(suite, version, _)| (*suite, *version));
        for (name, live) in &mut suites.live {
            let number = number_of_suite(name);
            let from = counted.partition_point(|(suite, ..)| *suite < number);
            let until = counted.partition_point(|(suite, ..)| *suite <= number);
            for (_, version, bytes) in counted.drain(from..until) {
                live.tallies.restore(version, bytes.as_ref()).map_err(damaged)?;
            }
        }
        match counted.len() {
            0 => Ok(suites),
            more => Err(ResumeError(format!("{more} counts belong to no suite"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_entry_names_it() {
        for id in [Id::Suite(1), Id::Run(1), Id::Tally { suite: 1, version: u128::MAX }] {
            assert_eq!(EntryId::from_bytes(&EntryId(id).to_bytes()), Some(EntryId(id)));
        }
        let long = EntryId(Id::Tally { suite: 0, version: 0 }).to_bytes();
        for bytes in
            [&b""[..], b"s", b"x0123456789abcdef", &long[..20], &[&long[..], b"0"].concat()]
        {
            assert_eq!(EntryId::from_bytes(bytes), None);
        }
    }

    #[test]
    fn a_count_of_no_suite_is_an_error() {
        let head = Suites::new(Limits::default()).take_changes(|_, _| {});
        let id = EntryId(Id::Tally { suite: 1, version: 2 });
        assert!(Suites::resume(&head, [(id, b"")]).is_err());
    }
}
