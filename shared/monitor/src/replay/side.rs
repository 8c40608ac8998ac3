//! The outputs of one destination: computed, sealed, or both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use event::{ColumnId, Event, column};
use governance::Refusal;

use super::canonical::{Digest, digest_of};
use super::doubts::Doubts;
use super::entries::{Emission, Entries, Entry, State};
use super::outcome::{Difference, Origin, Outcome, Subject, What, difference_of};
use crate::output::Destination;

/// Largest number of outputs that are kept whole until they are found sealed. Of further ones only the
/// digest is kept: they are compared too, but without naming the field that differs.
const WAITING_MAX: usize = 20_000;

/// Largest number of outputs that are kept whole after that, for copies of them.
const FOUND_MAX: usize = 1_024;

/// What is expected of a computed output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expectation {
    /// It may rightly differ, or be absent.
    Uncertain,
    /// It may be absent.
    MayBeAbsent,
    Sealed,
}

impl Expectation {
    pub(super) const fn of(optional: bool) -> Self {
        if optional { Self::MayBeAbsent } else { Self::Sealed }
    }
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Side {
    destination: Destination,
    entries: Entries,
    /// Some of them, whole.
    whole: BTreeMap<Origin, Event<'static>>,
    /// Other forms of outputs that two states compute differently.
    others: BTreeMap<Origin, Vec<Digest>>,
    /// Outputs that need not be sealed.
    unsure: BTreeMap<Origin, Expectation>,
    waiting: usize,
    found: VecDeque<Origin>,
    /// The last one that is sealed.
    newest: Option<Emission>,
    /// Gaps in the sealed rows, by the found outputs before and after; the latter may not have come yet.
    lost: Vec<(Option<Emission>, Option<Emission>)>,
    /// Offsets of the origins of unexplained outputs.
    unexplained: Vec<i64>,
    first: Option<Difference>,
    same: BTreeMap<String, u64>,
    repeated: u64,
    erased_fields: u64,
    awaiting: u64,
    not_comparable: u64,
    /// Offset after the last row, and offset before which all rows are acknowledged.
    next: i64,
    acknowledged: i64,
}

impl Side {
    /// `recent_max` and `recalled` as [`Entries`] has them.
    pub(super) const fn new(
        destination: Destination,
        recent_max: usize,
        recalled: BTreeSet<Origin>,
    ) -> Self {
        Self {
            destination,
            entries: Entries::new(recent_max, recalled),
            whole: BTreeMap::new(),
            others: BTreeMap::new(),
            unsure: BTreeMap::new(),
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

    /// Records the offset of a row.
    pub(super) fn seen(&mut self, at: i64) {
        // Offsets in an archive are foreign.
        self.next = self.next.max(at.saturating_add(1));
    }

    /// Records that, according to a tick, everything before an offset is acknowledged.
    pub(super) fn acknowledged(&mut self, next: i64) {
        self.acknowledged = self.acknowledged.max(next);
    }

    /// Takes a computed output in its different forms; without any, it is not compared. The outputs of a
    /// record come in the order of their ordinals, each with its number in the order of emission.
    pub(super) fn computed(
        &mut self,
        origin: Origin,
        sequence: u32,
        forms: Vec<Event<'static>>,
        expectation: Expectation,
    ) {
        let mut forms = forms.into_iter();
        let Some(event) = forms.next() else { return };
        let others: Vec<Digest> = forms.map(|other| digest_of(&other)).collect();
        if !others.is_empty() {
            self.others.insert(origin, others);
        }
        if expectation != Expectation::Sealed {
            self.unsure.insert(origin, expectation);
        }
        let entry = Entry::new(origin, sequence, digest_of(&event));
        let forgotten = self.entries.push(entry);
        self.forget(forgotten);
        if self.waiting < WAITING_MAX {
            self.waiting += 1;
            self.whole.insert(origin, event);
        }
    }

    /// Whether a sealed output is the computed one.
    pub(super) fn is_same(&self, origin: Origin, event: &Event<'_>) -> bool {
        self.entries.get(origin).is_some_and(|entry| self.has_form(entry, &digest_of(event)))
    }

    /// Whether a digest is that of a form of a computed output.
    fn has_form(&self, entry: &Entry, digest: &Digest) -> bool {
        let others = self.others.get(&entry.origin());
        entry.digest == *digest || others.is_some_and(|others| others.contains(digest))
    }

    /// Takes a sealed output.
    pub(super) fn sealed(
        &mut self,
        at: i64,
        origin: Origin,
        event: &Event<'_>,
        erased: &[ColumnId],
    ) {
        let Some(entry) = self.entries.get_mut(origin) else {
            self.unexplained(at, Some(origin), event);
            return;
        };
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

    /// Takes a sealed output that cannot be compared.
    pub(super) fn not_comparable(&mut self, origin: Origin) {
        if let Some(entry) = self.entries.get_mut(origin) {
            let (before, emission) = (entry.state, entry.emission());
            entry.state = before.or_not_comparable();
            self.was_found(before, origin, emission);
        }
    }

    /// Records that rows were lost here before they could be sealed.
    pub(super) fn lost(&mut self) {
        self.lost.push((self.newest, None));
    }

    fn may_be_lost(&self, at: Emission) -> bool {
        self.lost.iter().any(|(from, to)| Some(at) > *from && to.is_none_or(|to| at < to))
    }

    /// Counts a sealed output whose input is not sealed yet.
    pub(super) const fn awaiting(&mut self) {
        self.awaiting += 1;
    }

    /// Takes a sealed output that the processor has not signed: whoever wrote it, it is none.
    pub(super) fn unsigned(&mut self, at: i64, origin: Origin, event: &Event<'_>, why: Refusal) {
        let difference = Difference {
            destination: self.destination,
            sealed_at: Some(at),
            origin: Some(origin),
            subject: Subject::of(event),
            what: What::Unsigned { why: why.to_string() },
        };
        // No doubt about the computation excuses it.
        self.unexplained.push(i64::MIN);
        self.note(difference);
    }

    /// Takes a sealed output that is not computed.
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

    fn forget(&mut self, forgotten: Option<Origin>) {
        if let Some(origin) = forgotten {
            self.others.remove(&origin);
            self.unsure.remove(&origin);
        }
    }

    /// Takes a sealed output if the computed one, if there was one, is forgotten.
    pub(super) fn is_forgotten(&mut self, origin: Origin) -> bool {
        self.entries.miss(origin)
    }

    /// Number of outputs that are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.entries.len()
    }

    /// The outputs that were forgotten and came back.
    pub(super) const fn missed(&self) -> &BTreeSet<Origin> {
        self.entries.missed()
    }

    fn was_found(&mut self, before: State, origin: Origin, at: Emission) {
        let forgotten = self.entries.settle(origin);
        self.forget(forgotten);
        if before != State::Waiting {
            return;
        }
        if let Some((from, to @ None)) = self.lost.last_mut()
            && Some(at) > *from
        {
            *to = Some(at);
        }
        self.newest = self.newest.max(Some(at));
        // Outputs before it that await their input are not the last ones.
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

    /// Completes the outcome.
    pub(super) fn finish(mut self, doubts: &Doubts, outcome: &mut Outcome) {
        let (mut definite, mut doubtful) = (0_u64, 0_u64);
        let mut count = |offset: i64| {
            *(if doubts.covers(offset) { &mut doubtful } else { &mut definite }) += 1;
        };
        self.unexplained.iter().for_each(|offset| count(*offset));
        let mut first_missing = None;
        for entry in self.entries.iter() {
            match entry.state {
                State::Waiting if Some(entry.emission()) > self.newest => outcome.not_sealed += 1,
                State::Waiting if self.may_be_lost(entry.emission()) => outcome.not_comparable += 1,
                State::Waiting => match self.unsure.get(&entry.origin()) {
                    Some(Expectation::Uncertain) => outcome.not_comparable += 1,
                    Some(Expectation::MayBeAbsent) => outcome.superseded += 1,
                    Some(Expectation::Sealed) | None => {
                        count(entry.origin().offset);
                        first_missing.get_or_insert_with(|| entry.origin());
                    }
                },
                State::Different => count(entry.origin().offset),
                State::Same | State::NotComparable => {}
            }
        }
        if let Some(origin) = first_missing {
            // Unknown if only its digest was kept.
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
        // What ticks claim is foreign; more rows than acknowledged are none too few.
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
