//! e-d-BH: which of many e-detectors to believe together, so that few of those are wrong.
//!
//! Dandapanthula, Ramdas: *Multiple testing in multi-stream sequential change detection*,
//! arXiv 2501.04130 (the e-BH procedure of Wang, Ramdas 2022, over e-detectors). With the e-values
//! `M_1 .. M_K` of `K` streams and a level `alpha`, `threshold = K / alpha`:
//!
//! ```text
//! k* = largest k with  #{i : M_i >= threshold / k} >= k       reject every i with M_i >= threshold / k*
//! ```
//!
//! A stream alone needs `threshold`; two that move together half of it each, and so on.
//!
//! **Guarantee.** Let `P` be the share of unchanged streams among those rejected (0 if there are
//! none), and `N` the values that all unchanged streams have had. At every stopping time, whatever
//! it depends on:
//!
//! ```text
//! E[P] <= E[N] / threshold
//! ```
//!
//! So for one value of each stream at a time, which is `N = K t`, the expected share divided by the
//! expected time (the paper's *error over patience*) is at most `alpha`. Streams may depend on
//! each other in any way, provided that each `M_i` is an e-detector given the past of *all* of
//! them. The proof is one line: an unchanged stream among `R` that are rejected has
//! `1 / R <= M_i / threshold`, and `E[M_i] <= E[N_i]`. A detector with a head start of `r` adds `r`
//! to `N`.
//!
//! **Bounded.** `k` goes up to [`LEVELS`] only; then as many streams as there are with
//! `M_i >= threshold / 16` are rejected, and the line above holds for them just the same.
//!
//! **State.** Only how many streams have which [`Level`]: a change costs a few additions, a
//! question at most sixteen, whatever `K`.
//!
//! # What it does not say
//!
//! - Nothing about the *number* of false rejections: a hundred right ones carry some wrong ones.
//! - Nothing about a part of what is rejected, for instance what is left after a filter.
//! - Nothing after long: whoever waits for ever sees every detector alarm, so that no bound that
//!   does not grow with the time of watching can hold for any such procedure.

use serde::{Deserialize, Serialize};

/// Largest number of streams whose threshold it divides by.
pub const LEVELS: u8 = 16;

/// How many streams must be rejected together for one to be among them; or that no such number up
/// to [`LEVELS`] is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Level(u8);

impl Level {
    /// Of a stream that is not among any.
    pub const NONE: Self = Self(0);

    /// The level of an e-value: the least `k` with `k * e_value >= threshold`.
    #[must_use]
    pub fn of(e_value: f64, threshold: f64) -> Self {
        if e_value * f64::from(LEVELS) < threshold {
            return Self::NONE;
        }
        let enough = |k: &u8| e_value * f64::from(*k) >= threshold;
        (1..=LEVELS).find(enough).map_or(Self::NONE, Self)
    }
}

/// What is rejected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// By how much the threshold is divided: `k*`.
    pub divisor: u8,
    /// How many streams; at least `divisor`.
    pub streams: u64,
}

impl Rejected {
    /// Whether a stream of that level is among them.
    #[must_use]
    pub const fn contains(&self, level: Level) -> bool {
        level.0 > 0 && level.0 <= self.divisor
    }
}

/// How many streams have which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EdBh {
    counts: [u32; LEVELS as usize],
}

impl EdBh {
    /// A stream's level has changed. One that is new had [`Level::NONE`]; one that is gone gets it.
    ///
    /// # Panics
    ///
    /// If no stream has the level that it leaves.
    pub fn moved(&mut self, from: Level, to: Level) {
        if from == to {
            return;
        }
        if let Some(count) = self.of(from) {
            assert!(*count > 0, "a stream leaves a level that has none");
            *count -= 1;
        }
        if let Some(count) = self.of(to) {
            *count += 1;
        }
    }

    fn of(&mut self, level: Level) -> Option<&mut u32> {
        usize::from(level.0).checked_sub(1).and_then(|place| self.counts.get_mut(place))
    }

    /// What is rejected now.
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
