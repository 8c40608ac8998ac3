//! The observations of a version outside of alerts: the candidate for the next version's baseline.
//!
//! A detector fires some time after the change, so the observations in between must not enter a
//! baseline either. While a stream is tested, its observations wait in two blocks. The older block
//! is admitted once the estimated change lies after it. When an alert fires (or is pending when the
//! version ends), every block that extends beyond the estimated change is discarded, and so are all
//! observations until the alert resolves. Up to one block of good observations is discarded with
//! the bad ones.

use serde::{Deserialize, Serialize};

use super::mark::Mark;
use super::totals::History;
use super::value::Value;
use crate::metric::Model;

/// Smallest number of observations in a block.
const BLOCK: u64 = 128;
/// Number of observations between two checks of a full block.
const LOOK: u64 = 32;

/// A block of observations that are not admitted yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Block {
    /// Offset of the first.
    from: i64,
    history: History,
}

/// The observations of a version that may become a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BaselineCandidate {
    admitted: History,
    older: Option<Block>,
    newer: Option<Block>,
    /// Observations since the open alert fired.
    aside: Option<History>,
}

impl BaselineCandidate {
    pub(crate) fn empty(model: Model) -> Self {
        Self { admitted: History::empty(model), older: None, newer: None, aside: None }
    }

    /// Takes an observation of a stream that is not tested.
    pub(super) fn add(&mut self, value: Value<'_>, time: i64) {
        self.admitted.add(value, time);
    }

    /// Takes an observation of a stream that is tested. Returns whether to call [`Self::admit`]
    /// now.
    pub(super) fn wait(&mut self, value: Value<'_>, mark: Mark, model: Model) -> bool {
        if let Some(aside) = &mut self.aside {
            aside.add(value, mark.time);
            return false;
        }
        let empty = || Block { from: mark.offset, history: History::empty(model) };
        let block = self.newer.get_or_insert_with(empty);
        block.history.add(value, mark.time);
        let count = block.history.count();
        count >= BLOCK && count.is_multiple_of(LOOK)
    }

    /// Admits the older block and begins another one, unless the estimated change lies in it.
    pub(super) fn admit(&mut self, changed: Option<Mark>) {
        let from = self.newer.as_ref().map_or(i64::MAX, |block| block.from);
        if changed.is_some_and(|changed| changed.offset < from) {
            return;
        }
        if let Some(older) = std::mem::replace(&mut self.older, self.newer.take()) {
            self.admitted.merge(&older.history);
        }
    }

    /// An alert fires: discards the blocks that extend beyond the estimated change, and sets
    /// further observations aside.
    pub(super) fn set_aside(&mut self, changed: Mark, model: Model) {
        let newer_from = self.newer.as_ref().map_or(i64::MAX, |block| block.from);
        self.newer = None;
        if let Some(older) = self.older.take().filter(|_| changed.offset >= newer_from) {
            self.admitted.merge(&older.history);
        }
        self.aside = Some(History::empty(model));
    }

    /// The alert resolved, or the test restarts: admits both blocks.
    pub(super) fn settle(&mut self) {
        self.aside = None;
        for block in [self.older.take(), self.newer.take()].into_iter().flatten() {
            self.admitted.merge(&block.history);
        }
    }

    /// All observations that may become a baseline.
    pub(crate) fn history(&self) -> History {
        let mut history = self.admitted.clone();
        for block in [&self.older, &self.newer].into_iter().flatten() {
            history.merge(&block.history);
        }
        history
    }

    /// The observations since the open alert fired.
    pub(crate) const fn aside(&self) -> Option<&History> {
        self.aside.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: i64) -> Mark {
        Mark { offset, time: offset }
    }

    fn feed(past: &mut BaselineCandidate, offsets: std::ops::Range<i64>, changed: Option<Mark>) {
        for offset in offsets {
            if past.wait(Value::One(offset >= 1_000), mark(offset), Model::Failures) {
                past.admit(changed);
            }
        }
    }

    #[test]
    fn nothing_after_the_estimated_change_is_kept_and_not_much_before_it_lost() {
        for changed in [990, 1_000, 1_010] {
            let mut past = BaselineCandidate::empty(Model::Failures);
            feed(&mut past, 0..1_000, None);
            feed(&mut past, 1_000..1_200, Some(mark(changed)));
            assert_eq!(past.history().count(), 1_200);
            past.set_aside(mark(changed), Model::Failures);
            feed(&mut past, 1_200..1_500, None);
            assert_eq!(past.aside().unwrap().count(), 300);
            past.settle();
            let left = past.history();
            assert!((750..=1_000).contains(&left.count()), "{changed}: {}", left.count());
            assert_eq!(left.value(), Some(0.0), "{changed}: no observation after the change");
        }
    }

    #[test]
    fn without_an_alert_nothing_is_lost() {
        let mut past = BaselineCandidate::empty(Model::Failures);
        past.add(Value::One(true), 0);
        feed(&mut past, 1..700, Some(mark(3)));
        assert_eq!(past.history().count(), 700, "a change long ago holds everything back");
        feed(&mut past, 700..1_500, None);
        past.settle();
        assert_eq!((past.history().count(), past.aside()), (1_500, None));
    }
}
