//! Tickets ahead of pages: what e-d-BH rejects among all streams of the partition (`drift::fleet`).
//!
//! A page asks a stream for its whole run length `A`. A ticket asks for a share of it,
//! `T = ticket_share * A`, or of `k` streams together for `T / k` each (`k` up to 16). So a model or
//! a tool that becomes a little worse for everybody is found before it is plain in anyone. At a
//! share of 1 a stream by itself has nothing before its page; at 0, the default, there are none.
//!
//! **Promise.** At every moment the share of unchanged streams among those that are rejected is at
//! most (observations of unchanged streams) / `T` on average, head starts added, for streams that
//! depend on each other in any way; with different run lengths, for the smallest `T` there was.
//! That says something while `T` is long beside what all streams observe: under a budget of false
//! pages, which makes `T` grow with their number.
//! That is about all that is rejected: those that have too few observations or too small an effect
//! are then left out, and a stream has its ticket at its own next observation.
//!
//! A stream stands where its last observation left it. Where its test starts anew (after a page,
//! a resolved ticket, another version) it stands nowhere.

use std::cell::Cell;

use drift::fleet::{EdBh, Level};
use serde::{Deserialize, Serialize};

/// Where all streams of a partition stand; part of its state.
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

/// Why a stream has a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Early {
    /// E-value that was enough.
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
