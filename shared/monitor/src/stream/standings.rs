//! Tickets ahead of pages: the rejections of e-d-BH among all streams of the partition
//! (`drift::fleet`).
//!
//! A page requires evidence for the whole run length `A` of a stream. A ticket requires a share of
//! it, `T = ticket_share * A`, or `T / k` from each of `k` streams together (`k` up to 16). So a
//! model or a tool that degrades slightly for every agent is found before it is evident in any. At a
//! share of 1 a single stream has no ticket before its page; at 0, the default, there are none.
//!
//! **Promise.** At every moment the expected share of unchanged streams among the rejected ones is at
//! most (observations of unchanged streams) / `T`, plus head starts, whatever the dependence between
//! streams; with different run lengths, for the smallest `T` there was. The bound is useful while
//! `T` is long compared with what all streams observe: under a budget of false pages, which makes
//! `T` grow with their number. It covers all rejections: streams with too few observations or too
//! small an effect are then left out, and a stream gets its ticket at its own next observation.
//!
//! A stream stands where its last observation left it. A test that starts anew (after a page, a
//! resolved ticket, another version) starts without a rank.

use std::cell::Cell;

use drift::fleet::{EdBh, Level};
use serde::{Deserialize, Serialize};

/// The ranks of all streams of a partition; part of its state.
///
/// In a cell, because a stream is changed while everything around it is only read.
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

    /// Moves a stream whose ticket alone takes `alone` to where its e-value stands; whether it is
    /// rejected with others.
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
