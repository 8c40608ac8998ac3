//! e-d-BH: which of many e-detectors to reject together, with few false rejections among them.
//!
//! Dandapanthula, Ramdas: *Multiple testing in multi-stream sequential change detection*,
//! arXiv 2501.04130 (the e-BH procedure of Wang, Ramdas 2022, over e-detectors). With the e-values
//! `M_1 .. M_K` of `K` streams and a level `alpha`, `threshold = K / alpha`:
//!
//! ```text
//! k* = largest k with  #{i : M_i >= threshold / k} >= k       reject every i with M_i >= threshold / k*
//! ```
//!
//! A single stream needs `threshold`; two that move together need half of it each, and so on.
//!
//! **Guarantee.** Let `P` be the share of unchanged streams among those rejected (0 if there are
//! none), and `N` the number of values that all unchanged streams have taken. At every stopping
//! time, whatever it depends on:
//!
//! ```text
//! E[P] <= E[N] / threshold
//! ```
//!
//! So if every stream takes one value per unit of time, `N = K t`, the expected share divided by
//! the expected time (the paper's *error over patience*) is at most `alpha`. Streams may depend on
//! each other in any way, provided that each `M_i` is an e-detector given the past of *all* of
//! them. The proof is one line: an unchanged stream among `R` that are rejected has `1 / R <= M_i /
//! threshold`, and `E[M_i] <= E[N_i]`. A detector with a head start of `r` adds `r` to `N`.
//!
//! **Bounded.** `k` is at most [`LEVELS`]; at that level all streams with `M_i >= threshold / 16`
//! are rejected, and the bound above still holds.
//!
//! **State.** The number of streams at each [`Level`]: an update costs a few additions and a query
//! at most sixteen, whatever `K`.
//!
//! # What it does not guarantee
//!
//! - The *number* of false rejections: a hundred correct ones may come with several false ones.
//! - Any subset of the rejected streams, such as those left by a filter.
//! - A bound that does not grow with time: every detector alarms eventually, so no such procedure
//!   can have one.

use serde::{Deserialize, Serialize};

/// Largest rejection count tried by e-d-BH.
pub const LEVELS: u8 = 16;

/// The smallest rejection count with which a stream is rejected, if one up to [`LEVELS`] suffices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Level(u8);

impl Level {
    /// The stream is not rejected with any count.
    pub const NONE: Self = Self(0);

    /// The level of an e-value: the smallest `k` with `k * e_value >= threshold`.
    #[must_use]
    pub fn of(e_value: f64, threshold: f64) -> Self {
        if e_value * f64::from(LEVELS) < threshold {
            return Self::NONE;
        }
        let enough = |k: &u8| e_value * f64::from(*k) >= threshold;
        (1..=LEVELS).find(enough).map_or(Self::NONE, Self)
    }
}

/// The streams that are rejected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Divisor of the threshold: `k*`.
    pub divisor: u8,
    /// Number of rejected streams; at least `divisor`.
    pub streams: u64,
}

impl Rejected {
    /// Whether a stream of this level is rejected.
    #[must_use]
    pub const fn contains(&self, level: Level) -> bool {
        level.0 > 0 && level.0 <= self.divisor
    }
}

/// The number of streams at each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EdBh {
    counts: [u32; LEVELS as usize],
}

impl EdBh {
    /// Records that a stream's level changed. A new stream comes from [`Level::NONE`], and one that
    /// is removed goes there.
    ///
    /// # Panics
    ///
    /// If no stream is at the level `from`.
    pub fn moved(&mut self, from: Level, to: Level) {
        if from == to {
            return;
        }
        if let Some(count) = self.of(from) {
            assert!(*count > 0, "a stream leaves a level that no stream is at");
            *count -= 1;
        }
        if let Some(count) = self.of(to) {
            *count += 1;
        }
    }

    /// Count of a level; `None` for [`Level::NONE`].
    fn of(&mut self, level: Level) -> Option<&mut u32> {
        usize::from(level.0).checked_sub(1).and_then(|place| self.counts.get_mut(place))
    }

    /// The current rejection; `None` if no stream is rejected.
    #[must_use]
    pub fn rejected(&self) -> Option<Rejected> {
        let mut streams = 0;
        let mut found = None;
        for (divisor, count) in (1..=LEVELS).zip(self.counts) {
            streams += u64::from(count);
            if streams >= u64::from(divisor) {
                found = Some(Rejected { divisor, streams });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_least_multiple_that_reaches_the_threshold() {
        let level = |e_value| Level::of(e_value, 1_000.0);
        assert_eq!((level(1e300), level(1_000.0), level(999.9)), (Level(1), Level(1), Level(2)));
        assert_eq!((level(500.0), level(62.5), level(62.4)), (Level(2), Level(16), Level::NONE));
        assert_eq!(level(f64::NAN), Level::NONE);
    }

    #[test]
    fn nobody_is_rejected_by_others_alone() {
        let mut together = EdBh::default();
        assert_eq!(together.rejected(), None);
        together.moved(Level::NONE, Level(2));
        assert_eq!(together.rejected(), None);
        together.moved(Level::NONE, Level(2));
        let rejected = together.rejected().unwrap();
        assert_eq!(rejected, Rejected { divisor: 2, streams: 2 });
        assert!(rejected.contains(Level(1)) && rejected.contains(Level(2)));
        assert!(!rejected.contains(Level(3)) && !rejected.contains(Level::NONE));
        together.moved(Level(2), Level::NONE);
        assert_eq!(together.rejected(), None);
    }
}
