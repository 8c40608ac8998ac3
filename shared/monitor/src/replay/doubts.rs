//! Ranges of offsets in which something that mattered is not in the archive.

use super::outcome::Doubt;

/// Ranges of offsets within which a difference proves nothing.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    open: Option<(i64, Doubt)>,
    /// The latest offset of a doubt about a record.
    newest: Option<i64>,
    /// From, until (exclusive), why.
    closed: Vec<(i64, i64, Doubt)>,
}

impl Doubts {
    /// Adds a doubt from an offset on; the earliest one is kept.
    pub(super) fn cast(&mut self, offset: i64, why: Doubt) {
        if why != Doubt::BeginsLate {
            self.newest = self.newest.max(Some(offset));
        }
        if self.open.is_none_or(|(from, _)| offset < from) {
            self.open = Some((offset, why));
        }
    }

    /// Adds a doubt within a range.
    pub(super) fn cast_until(&mut self, from: i64, until: i64, why: Doubt) {
        let doubt = (from, until, why);
        if from < until && !self.closed.contains(&doubt) {
            self.closed.push(doubt);
        }
    }

    /// Ends the doubts about records before `first`: from `at` on a state is in force that does not
    /// depend on them.
    pub(super) fn forget(&mut self, first: i64, at: i64) {
        if self.newest.is_none_or(|newest| newest < first)
            && let Some((from, why)) = self.open.take()
        {
            self.cast_until(from, at, why);
        }
    }

    pub(super) fn covers(&self, offset: i64) -> bool {
        self.open.is_some_and(|(from, _)| offset >= from)
            || self.closed.iter().any(|(from, until, _)| (*from..*until).contains(&offset))
    }

    /// The first doubt: its offset, its reason, and its end if it has one.
    pub(super) fn first(&self) -> Option<(i64, Doubt, Option<i64>)> {
        let closed = self.closed.iter().map(|(from, until, why)| (*from, *why, Some(*until)));
        let open = self.open.map(|(from, why)| (from, why, None));
        closed.chain(open).min_by_key(|(from, ..)| *from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_ends_where_a_state_holds_that_it_does_not_concern() {
        let mut doubts = Doubts::default();
        assert!(!doubts.covers(i64::MAX) && doubts.first().is_none());
        doubts.cast(30, Doubt::BeginsLate);
        doubts.forget(30, 50);
        assert_eq!(
            [29, 30, 49, 50].map(|offset| doubts.covers(offset)),
            [false, true, true, false]
        );
        doubts.cast(70, Doubt::LostRecords);
        doubts.cast(90, Doubt::ErasedValue);
        doubts.forget(80, 100);
        assert!(doubts.covers(1_000), "the new state knows what was erased");
        doubts.forget(91, 100);
        assert!(doubts.covers(99) && !doubts.covers(100));
        assert_eq!(doubts.first(), Some((30, Doubt::BeginsLate, Some(50))));
    }
}
