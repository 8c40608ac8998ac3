//! The outputs of one destination: computed, sealed, or both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use event::{ColumnId, Event, column};

use super::canonical::{Digest, digest_of};
use super::doubts::Doubts;
use super::outcome::{Difference, Origin, Outcome, Subject, What, difference_of};
use crate::output::Destination;

/// Outputs that are kept whole until they are found sealed. Of more only the digest is kept: they
/// are compared all the same, and only which field differs is not said.
const WAITING_MAX: usize = 20_000;

/// Outputs that are kept whole after that, for copies of them.
const FOUND_MAX: usize = 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not found yet.
    Waiting,
    Same,
    Different,
    /// Sealed, and nothing can be said about it.
    NotComparable,
}

impl State {
    /// A copy of which nothing can be said takes nothing back.
    const fn or_not_comparable(self) -> Self {
        match self {
            Self::Waiting => Self::NotComparable,
            Self::Same | Self::Different | Self::NotComparable => self,
        }
    }
}

/// Where an output was emitted: ordinals count for each metric by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Emission {
    offset: i64,
    /// Number among all outputs of the record.
    sequence: u32,
}

/// An output that was computed.
#[derive(Debug)]
struct Entry {
    offset: i64,
    ordinal: i64,
    sequence: u32,
    state: State,
    digest: Digest,
}

impl Entry {
    fn origin(&self) -> Origin {
        Origin { offset: self.offset, ordinal: self.ordinal }
    }

    const fn emission(&self) -> Emission {
        Emission { offset: self.offset, sequence: self.sequence }
    }
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Side {
    destination: Destination,
    /// In ascending order of origins, in which they are computed.
    entries: Vec<Entry>,
    /// Some of them, whole.
    whole: BTreeMap<Origin, Event<'static>>,
    /// Where two states compute one: the other forms of an output, and those that may be absent.
    others: BTreeMap<Origin, Vec<Digest>>,
    optional: BTreeSet<Origin>,
    waiting: usize,
    found: VecDeque<Origin>,
    /// The last one that is sealed.
    newest: Option<Emission>,
    /// Between which found ones sealed rows were lost; the second may not have come yet.
    lost: Vec<(Option<Emission>, Option<Emission>)>,
    /// Origins of what nothing computes.
    unexplained: Vec<i64>,
    first: Option<Difference>,
    same: BTreeMap<String, u64>,
    repeated: u64,
    erased_fields: u64,
    awaiting: u64,
    not_comparable: u64,
    /// Offset after the last row that was handed in, and before which all is acknowledged.
    next: i64,
    acknowledged: i64,
}

impl Side {
    pub(super) const fn new(destination: Destination) -> Self {
        Self {
            destination,
            entries: Vec::new(),
            whole: BTreeMap::new(),
            others: BTreeMap::new(),
            optional: BTreeSet::new(),
            waiting: 0,
            found: VecDeque::new(),
            newest: None,
            lost: Vec::new(),
            unexplained: Vec::new(),
            first: None,
            same: BTreeMap::new(),
            repeated: 0,
            erased_fields: 0,
            awaiting: 0,
            not_comparable: 0,
            next: 0,
            acknowledged: 0,
        }
    }

    /// A row was handed in.
    pub(super) fn seen(&mut self, at: i64) {
        self.next = self.next.max(at.saturating_add(1));
    }

    /// A tick says that everything before that offset is acknowledged.
    pub(super) fn acknowledged(&mut self, next: i64) {
        self.acknowledged = self.acknowledged.max(next);
    }

    /// An output was computed, in one form or several; it may be absent if it is optional. Those of a
    /// record come in the order of their ordinals, each with its number in the order of emission.
    pub(super) fn computed(
        &mut self,
        origin: Origin,
        sequence: u32,
        forms: Vec<Event<'static>>,
        optional: bool,
    ) {
        let mut forms = forms.into_iter();
        let Some(event) = forms.next() else { return };
        let others: Vec<Digest> = forms.map(|other| digest_of(&other)).collect();
        if !others.is_empty() {
            self.others.insert(origin, others);
        }
        if optional {
            self.optional.insert(origin);
        }
        let Origin { offset, ordinal } = origin;
        let last = self.entries.last().map(Entry::origin);
        assert!(last < Some(origin), "outputs must come in the order of their origins");
        let digest = digest_of(&event);
        self.entries.push(Entry { offset, ordinal, sequence, state: State::Waiting, digest });
        if self.waiting < WAITING_MAX {
            self.waiting += 1;
            self.whole.insert(origin, event);
        }
    }

    /// A sealed output.
    pub(super) fn sealed(
        &mut self,
        at: i64,
        origin: Origin,
        event: &Event<'_>,
        erased: &[ColumnId],
    ) {
        let Some(index) = self.find(origin) else {
            self.unexplained(at, Some(origin), event);
            return;
        };
        let Some(entry) = self.entries.get_mut(index) else { return };
        let (before, emission) = (entry.state, entry.emission());
        let computed = self.whole.get(&origin);
        let others = self.others.get(&origin).map_or(&[][..], Vec::as_slice);
        let differs = if erased.is_empty() {
            let digest = digest_of(event);
            (digest != entry.digest && !others.contains(&digest)).then(|| {
                computed
                    .and_then(|computed| difference_of(event, computed, erased))
                    .unwrap_or(What::Event)
            })
        } else if let Some(computed) = computed.filter(|_| others.is_empty()) {
            self.erased_fields += erased.len() as u64;
            difference_of(event, computed, erased)
        } else {
            self.not_comparable += 1;
            entry.state = before.or_not_comparable();
            self.was_found(before, origin, emission);
            return;
        };
        match (before, &differs) {
            (State::Waiting, None) => entry.state = State::Same,
            (_, Some(_)) => entry.state = State::Different,
            (State::Same | State::Different | State::NotComparable, None) => {}
        }
        match (before, differs) {
            (_, Some(what)) => {
                let subject = Subject::of(event);
                self.note(Difference {
                    destination: self.destination,
                    sealed_at: Some(at),
                    origin: Some(origin),
                    subject,
                    what,
                });
            }
            (State::Waiting, None) => {
                let kind = event.text(column::KIND).unwrap_or_default();
                if let Some(count) = self.same.get_mut(kind) {
                    *count += 1;
                } else {
                    self.same.insert(kind.to_owned(), 1);
                }
            }
            (State::Same | State::Different | State::NotComparable, None) => self.repeated += 1,
        }
        self.was_found(before, origin, emission);
    }

    /// A sealed output of another version.
    pub(super) fn other_version(&mut self, origin: Origin) {
        let entry = self.find(origin).and_then(|index| self.entries.get_mut(index));
        if let Some(entry) = entry {
            let (before, emission) = (entry.state, entry.emission());
            entry.state = before.or_not_comparable();
            self.was_found(before, origin, emission);
        }
    }

    /// Rows were lost here before they could be sealed.
    pub(super) fn lost(&mut self) {
        self.lost.push((self.newest, None));
    }

    fn may_be_lost(&self, at: Emission) -> bool {
        self.lost.iter().any(|(from, to)| Some(at) > *from && to.is_none_or(|to| at < to))
    }

    /// A sealed output whose input is not sealed yet.
    pub(super) const fn awaiting(&mut self) {
        self.awaiting += 1;
    }

    /// A sealed output that nothing computes.
    pub(super) fn unexplained(&mut self, at: i64, origin: Option<Origin>, event: &Event<'_>) {
        let difference = Difference {
            destination: self.destination,
            sealed_at: Some(at),
            origin,
            subject: Subject::of(event),
            what: What::Unexplained,
        };
        self.unexplained.push(difference.offset());
        self.note(difference);
    }

    fn find(&self, origin: Origin) -> Option<usize> {
        let key = (origin.offset, origin.ordinal);
        self.entries.binary_search_by_key(&key, |entry| (entry.offset, entry.ordinal)).ok()
    }

    fn was_found(&mut self, before: State, origin: Origin, at: Emission) {
        if before != State::Waiting {
            return;
        }
        if let Some((from, to @ None)) = self.lost.last_mut()
            && Some(at) > *from
        {
            *to = Some(at);
        }
        self.newest = self.newest.max(Some(at));
        // Those before it, whose input is not sealed, are not the last ones.
        self.not_comparable += std::mem::take(&mut self.awaiting);
        if self.whole.contains_key(&origin) {
            self.waiting -= 1;
            self.found.push_back(origin);
            if self.found.len() > FOUND_MAX
                && let Some(oldest) = self.found.pop_front()
            {
                self.whole.remove(&oldest);
            }
        }
    }

    fn note(&mut self, difference: Difference) {
        if self.first.as_ref().is_none_or(|first| difference.is_before(first)) {
            self.first = Some(difference);
        }
    }

    /// Adds to the outcome what only the end can say.
    pub(super) fn finish(mut self, doubts: &Doubts, outcome: &mut Outcome) {
        let (mut definite, mut doubtful) = (0_u64, 0_u64);
        let mut count = |offset: i64| {
            *(if doubts.covers(offset) { &mut doubtful } else { &mut definite }) += 1;
        };
        self.unexplained.iter().for_each(|offset| count(*offset));
        let mut first_missing = None;
        for entry in &self.entries {
            match entry.state {
                State::Waiting if Some(entry.emission()) > self.newest => outcome.not_sealed += 1,
                State::Waiting if self.may_be_lost(entry.emission()) => outcome.not_comparable += 1,
                State::Waiting if self.optional.contains(&entry.origin()) => {
                    outcome.superseded += 1;
                }
                State::Waiting => {
                    count(entry.offset);
                    first_missing.get_or_insert_with(|| entry.origin());
                }
                State::Different => count(entry.offset),
                State::Same | State::NotComparable => {}
            }
        }
        if let Some(origin) = first_missing {
            let subject = self.whole.get(&origin).map(Subject::of).unwrap_or_default();
            self.note(Difference {
                destination: self.destination,
                sealed_at: None,
                origin: Some(origin),
                subject,
                what: What::Missing,
            });
        }
        for (kind, count) in self.same {
            *outcome.same.entry(kind).or_default() += count;
        }
        let missing = self.acknowledged.saturating_sub(self.next);
        outcome.acknowledged_not_sealed += u64::try_from(missing).unwrap_or_default();
        outcome.repeated += self.repeated;
        outcome.erased_fields += self.erased_fields;
        outcome.awaiting_input += self.awaiting;
        outcome.not_comparable += self.not_comparable + doubtful;
        outcome.differences += definite;
        if let Some(first) = self.first
            && outcome.first.as_ref().is_none_or(|other| first.is_before(other))
        {
            outcome.first = Some(first);
        }
    }
}
