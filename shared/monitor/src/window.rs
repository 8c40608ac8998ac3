//! Panes and windows of one key.
//!
//! A pane is created by the first event in it, never by time passing, so that an event of the
//! year 1 or 9999 costs one pane and not millions. A window is emitted when the watermark passes
//! its end; again, with the next revision, when late events have changed it and the watermark has
//! passed the next minute. It is forgotten after the retention.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric::Aggregate;

/// Length of a pane.
pub const PANE_MICROS: i64 = 60 * 1_000_000;
/// Length of a window: five panes.
pub const WINDOW_MICROS: i64 = 5 * PANE_MICROS;

/// Metric (place in the list) and suite (place in the key's list, from 1; 0 for none).
pub(crate) type Cell = (u8, u16);

/// Observations of one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pane {
    pub(crate) cells: BTreeMap<Cell, Aggregate>,
}

/// What is known about a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Status {
    /// Revision that the next emission has.
    revision: i64,
    /// Watermark at which it is emitted next, if that is scheduled.
    due: Option<i64>,
}

/// The panes and windows of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Windows {
    panes: BTreeMap<i64, Pane>,
    windows: BTreeMap<i64, Status>,
}

/// What adding to a pane asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touched {
    /// The window's start.
    pub(crate) window: i64,
    /// Schedule its emission for that watermark: it was not scheduled yet.
    pub(crate) schedule: Option<i64>,
    /// Schedule its expiry: the window is new.
    pub(crate) new: bool,
}

/// Start of the window that an instant lies in.
pub(crate) const fn window_of(micros: i64) -> i64 {
    micros.div_euclid(WINDOW_MICROS).saturating_mul(WINDOW_MICROS)
}

/// End of the window that starts there.
pub(crate) const fn window_end(start: i64) -> i64 {
    start.saturating_add(WINDOW_MICROS)
}

impl Windows {
    /// The pane of an instant, created if need be, and what its window asks for. `due` says when
    /// the window that starts there is to be emitted, if it is not scheduled yet.
    pub(crate) fn touch(
        &mut self,
        micros: i64,
        due: impl FnOnce(i64) -> i64,
    ) -> (&mut Pane, Touched) {
        let pane = micros.div_euclid(PANE_MICROS).saturating_mul(PANE_MICROS);
        let window = window_of(micros);
        let new = !self.windows.contains_key(&window);
        let status = self.windows.entry(window).or_default();
        let schedule = status.due.is_none().then(|| due(window));
        status.due = status.due.or(schedule);
        let touched = Touched { window, schedule, new };
        (self.panes.entry(pane).or_default(), touched)
    }

    /// Merges the panes of a window that is due; its revision, and the observations.
    pub(crate) fn emit(&mut self, window: i64) -> Option<(i64, Pane)> {
        let status = self.windows.get_mut(&window).filter(|status| status.due.is_some())?;
        let revision = status.revision;
        status.revision = revision.saturating_add(1);
        status.due = None;
        let mut merged = Pane::default();
        for pane in self.panes.range(window..window_end(window)).map(|(_, pane)| pane) {
            for (cell, aggregate) in &pane.cells {
                merged.cells.entry(*cell).or_default().merge(aggregate);
            }
        }
        Some((revision, merged))
    }

    /// All windows in order, each with the watermark at which it is emitted next, if it is.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, Option<i64>)> {
        self.windows.iter().map(|(window, status)| (*window, status.due))
    }

    /// Forgets a window and its panes.
    pub(crate) fn expire(&mut self, window: i64) {
        self.windows.remove(&window);
        while let Some((pane, _)) = self.panes.range(window..window_end(window)).next() {
            let pane = *pane;
            self.panes.remove(&pane);
        }
    }

    #[cfg(test)]
    pub(crate) fn panes(&self) -> usize {
        self.panes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Shape;

    #[test]
    fn a_window_merges_its_panes_and_counts_its_revisions() {
        let mut windows = Windows::default();
        for minute in [0, 4, 5] {
            let (pane, touched) = windows.touch(minute * PANE_MICROS + 1, window_end);
            assert!(pane.cells.entry((0, 0)).or_default().add(Shape::Count, 1.0));
            assert_eq!(touched.schedule.is_some(), minute != 4);
        }
        let (revision, pane) = windows.emit(0).unwrap();
        assert_eq!((revision, pane.cells[&(0, 0)].rate().0), (0, 2));
        assert_eq!(windows.emit(0), None);
        let (_, touched) = windows.touch(PANE_MICROS, |_| 7);
        assert_eq!(touched, Touched { window: 0, schedule: Some(7), new: false });
        assert_eq!(windows.emit(0).map(|(revision, _)| revision), Some(1));
        windows.expire(0);
        assert_eq!(windows.panes(), 1);
        let due = Some(2 * WINDOW_MICROS);
        assert_eq!(windows.all().collect::<Vec<_>>(), [(WINDOW_MICROS, due)]);
    }

    #[test]
    fn instants_before_the_epoch_have_windows_too() {
        assert_eq!((window_of(-1), window_of(0)), (-WINDOW_MICROS, 0));
        assert_eq!(window_end(window_of(i64::MAX)), i64::MAX);
    }
}
