//! Canary: is the new version worse than the old one? Valid under continuous monitoring.
//!
//! Testing by betting (Shafer 2021; Waudby-Smith, Ramdas, JRSS B 86(1) 2024). The value is a
//! paired difference `d` in `[-1, 1]`, new minus old: the new version's next outcome against the
//! mean of the old version's outcomes since the last one. Six gamblers start with 1 each and bet
//! that the mean difference is above 0:
//!
//! ```text
//! K_j <- K_j * (1 + bet_j * d)      M = mean of the K_j      alarm at M >= A
//! ```
//!
//! For [`Direction::Falling`] they bet on `-d`; for [`Direction::Both`] half of the capital each.
//!
//! **Guarantee.** While the mean of each difference, given all before it, is at most 0 (at least
//! 0; 0), `M` is a nonnegative supermartingale that starts at 1. By Ville's inequality the
//! probability that it *ever* reaches `A = 1 / alpha` is at most `alpha`, whatever the distribution
//! and however often it is checked. So the threshold is `1 / alpha`, 20 for 5 %: not a run length,
//! as with the e-SR detectors, but the error of the whole experiment. Giving both versions
//! comparable traffic is up to the caller.
//!
//! A confidence sequence for the difference (see [`crate::sequence`]) runs beside the test, at
//! `alpha = 1 / A`. Its bets differ, so one of the two may exclude 0 before the other does.
//!
//! **What it does not do.** It is slow to detect a version that turns worse late: capital lost
//! before the change is not regained. Watch the version with an e-SR detector as well.

use serde::{Deserialize, Serialize};

use crate::detector::{BETS, Direction, NullError, Observation, Signal, StreamDetector};
use crate::interval::Interval;
use crate::sequence::ConfidenceSequence;

/// Fractions of the capital that the six gamblers bet on each difference.
pub const SIZES: [f64; BETS] = [0.05, 0.1, 0.2, 0.35, 0.55, 0.8];

/// Cap of the capital: far above any threshold, and finite.
const CAP: f64 = 1e300;

/// The test; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Canary {
    direction: Direction,
    threshold: f64,
    rising: [f64; BETS],
    falling: [f64; BETS],
    e_value: f64,
    sequence: ConfidenceSequence,
}

impl Canary {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A test that alarms when its e-value reaches `threshold`, one over the probability of a
    /// false alarm.
    ///
    /// # Errors
    ///
    /// A threshold that is not a finite number of at least 1.
    pub fn new(direction: Direction, threshold: f64) -> Result<Self, NullError> {
        let refused = NullError::Threshold(threshold);
        if !(threshold.is_finite() && threshold >= 1.0) {
            return Err(refused);
        }
        let sequence = ConfidenceSequence::new(1.0 / threshold).ok_or(refused)?;
        let [rising, falling] = [[1.0; BETS]; 2];
        Ok(Self { direction, threshold, rising, falling, e_value: 1.0, sequence })
    }

    /// Mean difference so far, new minus old; `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.sequence.mean()
    }

    /// Confidence sequence for the mean difference, valid at all times at once; `None` if it
    /// excludes every constant mean.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.sequence.interval()
    }

    /// The e-value at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }
}

#[inline]
fn bet(capital: &mut [f64; BETS], difference: f64) -> f64 {
    let mut sum = 0.0;
    for (capital, size) in capital.iter_mut().zip(SIZES) {
        *capital = (*capital * (1.0 + size * difference)).min(CAP);
        sum += *capital;
    }
    #[expect(clippy::cast_precision_loss, reason = "six is exact")]
    let mean = sum / BETS as f64;
    mean
}

impl StreamDetector for Canary {
    fn update(&mut self, observation: Observation) -> Signal {
        let difference = observation.value.value().clamp(-1.0, 1.0);
        self.e_value = match self.direction {
            Direction::Rising => bet(&mut self.rising, difference),
            Direction::Falling => bet(&mut self.falling, -difference),
            Direction::Both => {
                let rising = bet(&mut self.rising, difference);
                f64::midpoint(rising, bet(&mut self.falling, -difference))
            }
        };
        self.sequence.update(observation.value);
        Signal::of(self.e_value, self.threshold)
    }

    fn statistic(&self) -> f64 {
        self.e_value
    }

    fn observations(&self) -> u64 {
        self.sequence.observations()
    }

    fn reset(&mut self) {
        [self.rising, self.falling] = [[1.0; BETS]; 2];
        self.e_value = 1.0;
        self.sequence.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Finite;

    fn canary(direction: Direction) -> Canary {
        Canary::new(direction, 20.0).unwrap()
    }

    fn difference(value: f64) -> Observation {
        Observation::of(Finite::new(value).unwrap())
    }

    /// Expectation of `M_t` over all pairs of outcomes, and the chance that `M` ever reached 2.
    fn expected(canary: &Canary, old: f64, new: f64, t: u32, reached: bool) -> (f64, f64) {
        if t == 0 {
            return (canary.statistic(), f64::from(u8::from(reached)));
        }
        let (mut mean, mut chance) = (0.0, 0.0);
        let up = new * (1.0 - old);
        let down = old * (1.0 - new);
        for (value, mass) in [(1.0, up), (-1.0, down), (0.0, 1.0 - up - down)] {
            let mut next = canary.clone();
            next.update(difference(value));
            let reached = reached || next.statistic() >= 2.0;
            let (part, ever) = expected(&next, old, new, t - 1, reached);
            mean += mass * part;
            chance += mass * ever;
        }
        (mean, chance)
    }

    #[test]
    fn equal_versions_keep_the_expected_e_value_at_one() {
        for direction in [Direction::Rising, Direction::Falling, Direction::Both] {
            for rate in [0.1, 0.5] {
                let (mean, chance) = expected(&canary(direction), rate, rate, 8, false);
                assert!((mean - 1.0).abs() < 1e-12, "{direction:?} {rate}: {mean}");
                assert!(chance <= 0.5, "{chance}");
            }
        }
        assert!(expected(&canary(Direction::Rising), 0.3, 0.2, 7, false).0 < 1.0);
        assert!(expected(&canary(Direction::Falling), 0.2, 0.3, 7, false).0 < 1.0);
    }

    #[test]
    fn a_worse_version_is_found_and_the_difference_enclosed() {
        let mut canary = canary(Direction::Rising);
        assert_eq!((canary.statistic(), canary.mean()), (1.0, None));
        let mut found = None;
        for step in 0..2_000_u32 {
            // One in ten against three in ten.
            let value = f64::from(u8::from(step % 10 < 3)) - f64::from(u8::from(step % 10 == 9));
            if canary.update(difference(value)) == Signal::Drift {
                found = found.or(Some(step));
            }
        }
        assert!(found.is_some_and(|step| step < 120), "{found:?}");
        let interval = canary.interval().unwrap();
        assert!(0.1 < interval.low && interval.low < 0.2 && interval.high > 0.2, "{interval:?}");
        assert!((canary.mean().unwrap() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn directions_mirror() {
        let (mut rising, mut falling) = (canary(Direction::Rising), canary(Direction::Falling));
        for value in [0.3, -0.2, 1.0, 5.0, -0.7] {
            rising.update(difference(value));
            falling.update(difference(-value));
            assert_eq!(rising.statistic().to_bits(), falling.statistic().to_bits());
        }
        assert!(Canary::new(Direction::Both, 0.9).is_err());
    }
}
