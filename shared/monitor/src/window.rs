//! Panes and windows of one key.
//!
//! A pane is created by the first event in it, never by the passing of time, so an event of the
//! year 1 or 9999 costs one pane, not millions. A window is emitted when the watermark passes its
//! end, and again, with the next revision, when late events have changed it and the watermark has
//! passed the next minute. It is discarded after the retention.
//!
//! Windows of five minutes, an hour and a day are all merged from the same panes, so they always
//! agree. When a window expires, its panes are merged into the aggregate of its hour, and that one
//! into the aggregate of its day: a day costs one aggregate, not 1,440.
//!
//! Event times are foreign, so arithmetic on them saturates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric::Aggregate;

/// Length of a pane.
pub const PANE_MICROS: i64 = 60 * 1_000_000;

/// Length of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Span {
    /// Five minutes; alerts resolve by these.
    Minutes,
    /// An hour.
    Hour,
    /// A day, UTC.
    Day,
}

impl Span {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Minutes, Self::Hour, Self::Day];

    /// Its length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        match self {
            Self::Minutes => 5 * PANE_MICROS,
            Self::Hour => 60 * PANE_MICROS,
            Self::Day => 24 * 60 * PANE_MICROS,
        }
    }

    /// Start of the window that contains an instant.
    pub(crate) const fn start(self, micros: i64) -> i64 {
        micros.div_euclid(self.micros()).saturating_mul(self.micros())
    }

    /// End of the window that starts at an instant.
    pub(crate) const fn end(self, start: i64) -> i64 {
        start.saturating_add(self.micros())
    }
}

/// End of the minute that contains an instant.
pub(crate) const fn end_of_minute(micros: i64) -> i64 {
    micros.div_euclid(PANE_MICROS).saturating_add(1).saturating_mul(PANE_MICROS)
}

/// What is due for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Emit,
    Expire,
}

/// A metric (its place) and a suite (its number in the key, from 1; 0 for none).
pub(crate) type Channel = (u8, u16);

/// Observations of one minute, or of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pane {
    pub(crate) channels: BTreeMap<Channel, Aggregate>,
}

impl Pane {
    fn merge(&mut self, other: &Self) {
        for (channel, aggregate) in &other.channels {
            self.channels.entry(*channel).or_default().merge(aggregate);
        }
    }
}

/// State of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Status {
    /// Revision of the next emission.
    revision: i64,
    /// Watermark at which it is emitted next, if it is due.
    due: Option<i64>,
    /// Watermark at which it expires.
    expires: i64,
}

/// Windows of one length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    windows: BTreeMap<i64, Status>,
    /// Observations of expired shorter windows, by window of this length.
    folded: BTreeMap<i64, Pane>,
}

/// The panes and windows of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Windows {
    panes: BTreeMap<i64, Pane>,
    minutes: Row,
    hours: Row,
    days: Row,
}

impl Windows {
    const fn row(&self, span: Span) -> &Row {
        match span {
            Span::Minutes => &self.minutes,
            Span::Hour => &self.hours,
            Span::Day => &self.days,
        }
    }

    const fn row_mut(&mut self, span: Span) -> &mut Row {
        match span {
            Span::Minutes => &mut self.minutes,
            Span::Hour => &mut self.hours,
            Span::Day => &mut self.days,
        }
    }

    /// The pane of an instant, created if it does not exist, and the watermark of its next task, if
    /// that is new. `due` gives the watermark at which a window is to be emitted, unless it is due
    /// already.
    pub(crate) fn touch(
        &mut self,
        micros: i64,
        retention: i64,
        due: impl Fn(Span, i64) -> i64,
    ) -> (&mut Pane, Option<i64>) {
        let mut earliest = None;
        for span in Span::ALL {
            let window = span.start(micros);
            let status = self.row_mut(span).windows.entry(window).or_insert_with(|| {
                let expires = span.end(window).saturating_add(retention);
                earliest = Some(earliest.map_or(expires, |at: i64| at.min(expires)));
                Status { revision: 0, due: None, expires }
            });
            if status.due.is_none() {
                let at = due(span, window);
                status.due = Some(at);
                earliest = Some(earliest.map_or(at, |earliest: i64| earliest.min(at)));
            }
        }
        let pane = micros.div_euclid(PANE_MICROS).saturating_mul(PANE_MICROS);
        (self.panes.entry(pane).or_default(), earliest)
    }

    /// Takes a window that is due: its revision, and its observations.
    pub(crate) fn emit(&mut self, span: Span, window: i64) -> Option<(i64, Pane)> {
        let status = self.row_mut(span).windows.get_mut(&window);
        let status = status.filter(|status| status.due.is_some())?;
        let revision = status.revision;
        status.revision += 1;
        status.due = None;
        let range = || window..span.end(window);
        let mut merged = Pane::default();
        let shorter = Span::ALL.into_iter().filter(|shorter| *shorter <= span);
        let folded = shorter.flat_map(|shorter| self.row(shorter).folded.range(range()));
        for (_, pane) in self.panes.range(range()).chain(folded) {
            merged.merge(pane);
        }
        Some((revision, merged))
    }

    fn all(&self) -> impl Iterator<Item = (Span, i64, &Status)> {
        Span::ALL.into_iter().flat_map(|span| {
            self.row(span).windows.iter().map(move |(window, status)| (span, *window, status))
        })
    }

    /// Windows that are to be emitted, in order.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Span, i64)> {
        let open = self.all().filter(|(_, _, status)| status.due.is_some());
        open.map(|(span, window, _)| (span, window))
    }

    /// The watermark of the next task.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let at = |status: &Status| status.due.map_or(status.expires, |due| due.min(status.expires));
        self.all().map(|(_, _, status)| at(status)).min()
    }

    /// The tasks that are due at a watermark, with the watermark at which they became due.
    pub(crate) fn due(&self, watermark: i64) -> impl Iterator<Item = (i64, Action, Span, i64)> {
        self.all().flat_map(move |(span, window, status)| {
            let emit = status.due.map(|at| (at, Action::Emit, span, window));
            let expire = Some((status.expires, Action::Expire, span, window));
            [emit, expire].into_iter().flatten().filter(move |(at, ..)| *at <= watermark)
        })
    }

    /// Removes a window; its observations go to the next longer one.
    pub(crate) fn expire(&mut self, span: Span, window: i64) {
        self.row_mut(span).windows.remove(&window);
        let mut left = self.row_mut(span).folded.remove(&window).unwrap_or_default();
        if span == Span::Minutes {
            while let Some((pane, _)) = self.panes.range(window..span.end(window)).next() {
                let pane = *pane;
                if let Some(pane) = self.panes.remove(&pane) {
                    left.merge(&pane);
                }
            }
        }
        let longer = match span {
            Span::Minutes => Span::Hour,
            Span::Hour => Span::Day,
            Span::Day => return,
        };
        self.row_mut(longer).folded.entry(longer.start(window)).or_default().merge(&left);
    }

    /// Removes the observations of some metrics, by their places.
    pub(crate) fn forget_metrics(&mut self, is_left: impl Fn(u8) -> bool) {
        let rows = [&mut self.minutes, &mut self.hours, &mut self.days];
        let folded = rows.into_iter().flat_map(|row| row.folded.values_mut());
        for pane in self.panes.values_mut().chain(folded) {
            pane.channels.retain(|(place, _), _| !is_left(*place));
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
    use crate::metric::{Sample, Shape};
    use proptest::prelude::*;

    fn at_end(span: Span, window: i64) -> i64 {
        span.end(window)
    }

    fn add(windows: &mut Windows, micros: i64) -> Option<i64> {
        let (pane, earliest) = windows.touch(micros, Span::Day.micros(), at_end);
        assert!(pane.channels.entry((0, 0)).or_default().add(
            Shape::Count,
            &Sample::Number(1.0),
            true
        ));
        earliest
    }

    fn count(windows: &mut Windows, span: Span, window: i64) -> Option<(i64, u64)> {
        let (revision, pane) = windows.emit(span, window)?;
        Some((revision, pane.channels.get(&(0, 0)).map_or(0, |channel| channel.rate().0)))
    }

    #[test]
    fn a_window_merges_its_panes_and_counts_its_revisions() {
        let mut windows = Windows::default();
        for minute in [0, 4, 5] {
            let earliest = add(&mut windows, minute * PANE_MICROS + 1);
            assert_eq!(earliest.is_some(), minute != 4);
        }
        assert_eq!(windows.next_due(), Some(Span::Minutes.micros()));
        assert_eq!(windows.due(Span::Minutes.micros()).count(), 1);
        assert_eq!(windows.open().count(), 4);
        assert_eq!(count(&mut windows, Span::Minutes, 0), Some((0, 2)));
        assert_eq!(windows.emit(Span::Minutes, 0), None);
        add(&mut windows, PANE_MICROS);
        assert_eq!(count(&mut windows, Span::Minutes, 0), Some((1, 3)));
        windows.expire(Span::Minutes, 0);
        assert_eq!(windows.panes(), 1);
        assert_eq!(count(&mut windows, Span::Hour, 0), Some((0, 4)));
        windows.expire(Span::Minutes, Span::Minutes.micros());
        windows.expire(Span::Hour, 0);
        assert_eq!((windows.panes(), windows.hours.folded.len()), (0, 0));
        assert_eq!(count(&mut windows, Span::Day, 0), Some((0, 4)));
        windows.expire(Span::Day, 0);
        assert_eq!(windows, Windows::default());
    }

    proptest! {
        #[test]
        fn a_day_counts_everything_whatever_was_folded_when(
            steps in prop::collection::vec((0_i64..1_440, any::<bool>()), 1..80),
        ) {
            let mut windows = Windows::default();
            let day = Span::Day.micros();
            for (minute, forget) in &steps {
                add(&mut windows, day + minute * PANE_MICROS);
                if *forget {
                    let first = windows.all().map(|(span, window, _)| (span, window)).next().unwrap();
                    if first.0 != Span::Day {
                        windows.expire(first.0, first.1);
                    }
                }
            }
            let expected = Some((0, steps.len() as u64));
            prop_assert_eq!(count(&mut windows, Span::Day, day), expected);
        }
    }

    #[test]
    fn instants_before_the_epoch_have_windows_too() {
        for span in Span::ALL {
            assert_eq!((span.start(-1), span.start(0)), (-span.micros(), 0));
            assert_eq!(span.end(span.start(i64::MAX)), i64::MAX);
        }
    }
}
