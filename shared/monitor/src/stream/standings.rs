//! Early tickets: the rejections of e-d-BH among all streams of the partition (`drift::fleet`).
//!
//! A page requires evidence for the whole run length `A` of a stream. An early ticket requires a
//! share of it, `T = ticket_share * A`, or `T / k` from each of `k` streams together (`k` up to
//! 16). So a model or tool that degrades slightly for all agents is detected before the evidence
//! suffices for any single one. With a share of 1 a single stream has no early ticket; with 0, the
//! default, there are none at all.
//!
//! **Promise.** At every time the expected share of unchanged streams among the rejected ones is at
//! most (observations of unchanged streams) / `T`, plus head starts, whatever the dependence
//! between streams; if run lengths differ, for the smallest `T` so far. The bound is useful while
//! `T` is large compared with the number of observations of all streams, that is under a budget of
//! false pages, which makes `T` grow with the number of streams. It covers all rejections; streams
//! with too few observations or too small an effect then get no ticket, and the others get theirs
//! at their own next observation.
//!
//! The level of a stream is that of its last observation. A test that restarts (after a page, a
//! resolved ticket, another version) starts without a level.

use std::cell::Cell;

use drift::fleet::{EdBh, Level};
use serde::{Deserialize, Serialize};

/// The levels of all streams of a partition; part of its state.
///
/// It has interior mutability, because a stream is updated while its context is borrowed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Standings(Cell<EdBh>);

impl Standings {
    fn moved(&self, from: Level, to: Level) {
        if from != to {
            let mut now = self.0.get();
            now.moved(from, to);
            self.0.set(now);
        }
    }

    /// Updates the level of a stream; `alone` is the e-value that suffices for a single stream.
    /// Returns the rejection, if the stream is rejected together with others.
    pub(super) fn stand(&self, standing: &mut Level, e_value: f64, alone: f64) -> Option<Early> {
        let to = if alone > 0.0 { Level::of(e_value, alone) } else { Level::NONE };
        self.moved(*standing, to);
        *standing = to;
        if to == Level::NONE {
            return None;
        }
        let rejected = self.0.get().rejected().filter(|all| all.contains(to))?;
        Some(Early {
            threshold: alone / f64::from(rejected.divisor),
            streams: rejected.streams,
            divisor: rejected.divisor,
        })
    }

    /// Removes a stream.
    pub(super) fn leave(&self, standing: &mut Level) {
        self.moved(*standing, Level::NONE);
        *standing = Level::NONE;
    }
}

/// The rejection that opens a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Early {
    /// E-value that sufficed.
    pub(super) threshold: f64,
    streams: u64,
    divisor: u8,
}

impl Early {
    pub(super) fn reason(self, tested: u64) -> String {
        let Self { streams, divisor, .. } = self;
        format!(
            "one of {streams} of {tested} tested streams that e-d-BH rejects together: \
             the evidence of a ticket, divided by {divisor}"
        )
    }
}
