//! A confidence sequence for a mean difference: an interval that is valid at all times at once.
//!
//! Waudby-Smith, Ramdas: *Estimating means of bounded random variables by betting*, JRSS B 86(1)
//! 2024 (hedged capital with predictable plug-in bets). For each candidate mean `m` of values in
//! `[-1, 1]` one gambler bets that the mean is larger and one that it is smaller:
//!
//! ```text
//! up(m) <- up(m) * (1 + bet (x - m) / 2)     down(m) <- down(m) * (1 - bet (x - m) / 2)
//! ```
//!
//! and `m` is ruled out for good when one of them has `2 / alpha` times what it started with.
//!
//! **Guarantee.** If every value, given all before it, has the same mean, then with probability at
//! least `1 - alpha` that mean is inside the interval at *every* time (Ville's inequality for the
//! half-and-half portfolio at the true mean), however often it is checked.
//!
//! **Bounded memory.** Candidates are [`CANDIDATES`] fixed means, dense around 0. The bet depends
//! on the past only and not on `m`, so `up` falls and `down` rises with `m`: a candidate that is
//! ruled out from one side rules out all beyond it, between candidates too. The reported interval
//! ends at the last candidates that are ruled out, so it is never too narrow.
//!
//! **What it does not do.** It has no guarantee for a mean that moves; then all candidates may be
//! ruled out, and there is no interval.

use serde::{Deserialize, Serialize};

use crate::elementary::{ln, real};
use crate::finite::Finite;
use crate::interval::Interval;

/// Candidate means: `k |k|` ten-thousandths for `k` from -100 to 100.
pub const CANDIDATES: usize = 201;

/// The largest bet: at most nine tenths of the capital is lost at once.
const BET_MAX: f64 = 0.9;
/// Cap of the capital, and the capital below which it is set to 0: so it is neither infinite nor
/// subnormal.
const CAP: f64 = 1e300;
const NOTHING: f64 = 1e-300;

/// The sequence; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceSequence {
    alpha: f64,
    /// Capital of the two gamblers for each candidate, in ascending order of candidates.
    up: Vec<f64>,
    down: Vec<f64>,
    /// Number of candidates ruled out from below, and index of the first one ruled out from above.
    low: usize,
    high: usize,
    count: u64,
    sum: f64,
    /// Sum of squared distances from the running mean, both on `[0, 1]`.
    scatter: f64,
}

fn candidate(index: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 201")]
    let step = index as f64 - 100.0;
    step * step.abs() / 10_000.0
}

impl ConfidenceSequence {
    /// A sequence that ever excludes the mean with probability at most `alpha`; `None` unless
    /// `alpha` is above 0 and at most 1.
    #[must_use]
    pub fn new(alpha: f64) -> Option<Self> {
        (alpha > 0.0 && alpha <= 1.0).then(|| Self {
            alpha,
            up: vec![1.0; CANDIDATES],
            down: vec![1.0; CANDIDATES],
            low: 0,
            high: CANDIDATES,
            count: 0,
            sum: 0.0,
            scatter: 0.0,
        })
    }

    /// Takes a difference, clamped to `[-1, 1]`.
    pub fn update(&mut self, difference: Finite) {
        let value = difference.value().clamp(-1.0, 1.0);
        let half = 0.5 * self.next_bet();
        let enough = 2.0 / self.alpha;
        let stake = |capital: f64, factor: f64| {
            let capital = (capital * factor).min(CAP);
            if capital < NOTHING { 0.0 } else { capital }
        };
        let (mut low, mut high) = (self.low, self.high);
        let pairs = self.up.iter_mut().zip(&mut self.down).enumerate();
        // Only the remaining candidates are still played for, and the two around them, which show
        // when none is left.
        let played = pairs.take(self.high + 1).skip(self.low.saturating_sub(1));
        for (index, (up, down)) in played {
            let gain = half * (value - candidate(index));
            *up = stake(*up, 1.0 + gain);
            *down = stake(*down, 1.0 - gain);
            if *up >= enough {
                low = low.max(index + 1);
            }
            if *down >= enough {
                high = high.min(index);
            }
        }
        (self.low, self.high) = (low, high);
        self.learn(f64::midpoint(1.0, value));
    }

    /// The bet on the next value, from those before it.
    fn next_bet(&self) -> f64 {
        let next = real(self.count) + 1.0;
        let variance = (0.25 + self.scatter) / next;
        let spread = variance * next * ln(1.0 + next);
        (2.0 * ln(2.0 / self.alpha) / spread).sqrt().min(BET_MAX)
    }

    fn learn(&mut self, unit: f64) {
        self.count += 1;
        self.sum += unit;
        let mean = (0.5 + self.sum) / (real(self.count) + 1.0);
        self.scatter += (unit - mean) * (unit - mean);
    }

    /// The current interval: the intersection of all so far. `None` if every mean is ruled out.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        // If equal, means between the last two candidates that were ruled out are still possible.
        if self.low > self.high {
            return None;
        }
        let low = self.low.checked_sub(1).map_or(-1.0, candidate);
        let high = if self.high < CANDIDATES { candidate(self.high) } else { 1.0 };
        Some(Interval { low, high })
    }

    /// Mean of the differences so far; `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| 2.0 * self.sum / real(self.count) - 1.0)
    }

    /// Number of differences taken.
    #[must_use]
    pub const fn observations(&self) -> u64 {
        self.count
    }

    /// Forgets everything but its settings.
    pub fn reset(&mut self) {
        self.up.fill(1.0);
        self.down.fill(1.0);
        (self.low, self.high) = (0, CANDIDATES);
        (self.count, self.sum, self.scatter) = (0, 0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sequence(values: &[f64]) -> ConfidenceSequence {
        let mut sequence = ConfidenceSequence::new(0.05).unwrap();
        for value in values {
            sequence.update(Finite::new(*value).unwrap());
        }
        sequence
    }

    #[test]
    fn candidates_are_ascending_and_end_at_the_bounds() {
        let means: Vec<f64> = (0..CANDIDATES).map(candidate).collect();
        assert!(means.is_sorted_by(|one, next| one < next));
        assert_eq!((means[0], means[100], means[200]), (-1.0, 0.0, 1.0));
    }

    proptest! {
        #[test]
        fn capital_is_monotone_in_the_candidate_and_intervals_shrink(
            values in prop::collection::vec(-1.0_f64..=1.0, 1..300),
        ) {
            let mut sequence = ConfidenceSequence::new(0.1).unwrap();
            let mut last = sequence.interval();
            for value in &values {
                sequence.update(Finite::new(*value).unwrap());
                let left = sequence.low..sequence.high.max(sequence.low);
                prop_assert!(sequence.up[left.clone()].is_sorted_by(|one, next| one >= next));
                prop_assert!(sequence.down[left].is_sorted_by(|one, next| one <= next));
                if let (Some(last), Some(now)) = (last, sequence.interval()) {
                    prop_assert!(last.low <= now.low && now.high <= last.high);
                }
                last = sequence.interval();
            }
        }
    }

    #[test]
    fn a_constant_difference_is_enclosed_ever_more_tightly() {
        let found = sequence(&[0.25; 20_000]).interval().unwrap();
        assert!(found.low < 0.25 && 0.25 < found.high, "{found:?}");
        assert!(found.high - found.low < 0.06, "{found:?}");
        assert_eq!(sequence(&[0.25; 4]).mean(), Some(0.25));
        assert_eq!(sequence(&[]).interval(), Some(Interval { low: -1.0, high: 1.0 }));
        assert_eq!(sequence(&[7.0, -9.0]).mean(), Some(0.0));
    }

    #[test]
    fn a_mean_that_moves_has_no_interval() {
        let values = [[-0.9; 500], [0.9; 500]].concat();
        assert_eq!(sequence(&values).interval(), None);
    }

    #[test]
    fn the_true_mean_is_missed_as_seldom_as_promised() {
        // Over all sequences of -1, 0 and 1 with mean 0: the exact chance of ever missing it.
        let (zero, steps) = (0.8, 9);
        let mut missed = 0.0;
        for code in 0..3_u32.pow(steps) {
            let mut sequence = ConfidenceSequence::new(0.4).unwrap();
            let (mut mass, mut out) = (1.0, false);
            for step in 0..steps {
                let value = f64::from(code / 3_u32.pow(step) % 3) - 1.0;
                mass *= if value == 0.0 { zero } else { (1.0 - zero) / 2.0 };
                sequence.update(Finite::new(value).unwrap());
                out |= sequence.interval().is_none_or(|now| now.low >= 0.0 || now.high <= 0.0);
            }
            missed += if out { mass } else { 0.0 };
        }
        assert!(missed <= 0.4, "{missed}");
    }

    #[test]
    fn levels_that_mean_nothing_are_refused() {
        assert!(ConfidenceSequence::new(0.0).is_none());
        assert!(ConfidenceSequence::new(1.1).is_none());
        assert!(ConfidenceSequence::new(f64::NAN).is_none());
    }
}
