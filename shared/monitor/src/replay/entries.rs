//! The computed outputs of one destination, in bounded memory: what was found sealed is forgotten after a
//! while, and remembered in a second pass if a sealed row comes back to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::canonical::Digest;
use super::outcome::Origin;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not found yet.
    Waiting,
    Same,
    Different,
    /// Sealed, and it cannot be compared.
    NotComparable,
}

impl State {
    /// A copy that cannot be compared does not revoke an earlier result.
    pub(super) const fn or_not_comparable(self) -> Self {
        match self {
            Self::Waiting => Self::NotComparable,
            Self::Same | Self::Different | Self::NotComparable => self,
        }
    }
}

/// Position of an output in the order of emission, which is not that of ordinals: these count per metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Emission {
    pub(super) offset: i64,
    /// Number among all outputs of the record.
    pub(super) sequence: u32,
}

/// An output that was computed.
#[derive(Debug)]
pub(super) struct Entry {
    offset: i64,
    ordinal: i64,
    sequence: u32,
    pub(super) state: State,
    pub(super) digest: Digest,
}

impl Entry {
    /// Of an output that was not found yet.
    pub(super) const fn new(origin: Origin, sequence: u32, digest: Digest) -> Self {
        let Origin { offset, ordinal } = origin;
        Self { offset, ordinal, sequence, state: State::Waiting, digest }
    }

    pub(super) const fn origin(&self) -> Origin {
        Origin { offset: self.offset, ordinal: self.ordinal }
    }

    pub(super) const fn emission(&self) -> Emission {
        Emission { offset: self.offset, sequence: self.sequence }
    }

    /// Whether nothing is left to say of it at the end.
    const fn is_settled(&self) -> bool {
        matches!(self.state, State::Same | State::NotComparable)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Entries {
    recent_max: usize,
    /// The last ones, ascending.
    recent: VecDeque<Entry>,
    /// Earlier ones that are not settled, and those that must not be forgotten.
    kept: BTreeMap<Origin, Entry>,
    /// The largest one that was forgotten.
    forgotten: Option<Origin>,
    /// What must not be forgotten.
    recalled: BTreeSet<Origin>,
    /// What was forgotten and asked for.
    missed: BTreeSet<Origin>,
}

impl Entries {
    pub(super) const fn new(recent_max: usize, recalled: BTreeSet<Origin>) -> Self {
        Self {
            recent_max,
            recent: VecDeque::new(),
            kept: BTreeMap::new(),
            forgotten: None,
            recalled,
            missed: BTreeSet::new(),
        }
    }

    /// Takes the next one. Returns the one that is forgotten for it.
    pub(super) fn push(&mut self, entry: Entry) -> Option<Origin> {
        let last = self.recent.back().map(Entry::origin);
        assert!(last < Some(entry.origin()), "outputs must come in the order of their origins");
        self.recent.push_back(entry);
        if self.recent.len() <= self.recent_max {
            return None;
        }
        let oldest = self.recent.pop_front()?;
        let origin = oldest.origin();
        self.kept.insert(origin, oldest);
        self.settle(origin)
    }

    /// Forgets an early output of which nothing is left to say. Returns it if it did.
    pub(super) fn settle(&mut self, origin: Origin) -> Option<Origin> {
        if !self.kept.get(&origin)?.is_settled() || self.recalled.contains(&origin) {
            return None;
        }
        self.kept.remove(&origin);
        self.forgotten = self.forgotten.max(Some(origin));
        Some(origin)
    }

    pub(super) fn get(&self, origin: Origin) -> Option<&Entry> {
        match self.recent.binary_search_by_key(&origin, Entry::origin) {
            Ok(index) => self.recent.get(index),
            Err(_) => self.kept.get(&origin),
        }
    }

    pub(super) fn get_mut(&mut self, origin: Origin) -> Option<&mut Entry> {
        match self.recent.binary_search_by_key(&origin, Entry::origin) {
            Ok(index) => self.recent.get_mut(index),
            Err(_) => self.kept.get_mut(&origin),
        }
    }

    /// Whether nobody can tell any more whether this output was computed. Then it is one of
    /// [`Self::missed`].
    pub(super) fn miss(&mut self, origin: Origin) -> bool {
        let is_missed = self.forgotten >= Some(origin)
            && !self.recalled.contains(&origin)
            && self.get(origin).is_none();
        if is_missed {
            self.missed.insert(origin);
        }
        is_missed
    }

    /// What was asked for and could not be told.
    pub(super) const fn missed(&self) -> &BTreeSet<Origin> {
        &self.missed
    }

    /// Number of those that are remembered.
    pub(super) fn len(&self) -> usize {
        self.kept.len().saturating_add(self.recent.len())
    }

    /// All that are remembered, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.kept.values().chain(&self.recent)
    }
}
