//! The capital of a Shiryaev-Roberts mixture: six bets on one side, or on each of both.
//!
//! Shin, Ramdas, Rinaldo: *E-detectors*, arXiv 2203.03532. `R_j <- (R_j + 1) f_j`, and the
//! e-value `M` is the mean of all `R_j`; both sides have equal weight.
//!
//! **Promise.** If each factor, given everything before its value, has an expectation of at most 1,
//! then `E[R_j,t] <= E[R_j,t-1] + 1`, so `M_t - t` is a supermartingale, and the number of values
//! until `M` reaches `A` is at least `A` on average. Capital is capped at `1e300`, which only
//! makes `M` smaller. Each detector shows that its own factors are fair.

use serde::{Deserialize, Serialize};

use crate::detector::{BETS, Direction, NullError, Signal};

/// Cap of the capital: far above any threshold, and finite.
const CAP: f64 = 1e300;

/// Capital, threshold and count of a detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    rising: Option<[f64; BETS]>,
    falling: Option<[f64; BETS]>,
    threshold: f64,
    weight: f64,
    observations: u64,
    e_value: f64,
}

impl Evidence {
    pub(crate) fn new(direction: Direction, threshold: f64) -> Result<Self, NullError> {
        if !(threshold.is_finite() && threshold >= 1.0) {
            return Err(NullError::Threshold(threshold));
        }
        let none = Some([0.0; BETS]);
        let (rising, falling, sides) = match direction {
            Direction::Rising => (none, None, 1.0),
            Direction::Falling => (None, none, 1.0),
            Direction::Both => (none, none, 2.0),
        };
        #[expect(clippy::cast_precision_loss, reason = "six is exact")]
        let weight = 1.0 / (sides * BETS as f64);
        Ok(Self { rising, falling, threshold, weight, observations: 0, e_value: 0.0 })
    }

    /// Takes the factors of the next value; they are computed only for sides that are watched.
    #[inline]
    pub(crate) fn update(
        &mut self,
        rising: impl FnOnce() -> [f64; BETS],
        falling: impl FnOnce() -> [f64; BETS],
    ) -> Signal {
        let mut sum = 0.0;
        if let Some(capital) = &mut self.rising {
            sum += bet(capital, rising());
        }
        if let Some(capital) = &mut self.falling {
            sum += bet(capital, falling());
        }
        self.e_value = self.weight * sum;
        self.observations += 1;
        Signal::of(self.e_value, self.threshold)
    }

    pub(crate) const fn threshold(&self) -> f64 {
        self.threshold
    }

    pub(crate) const fn e_value(&self) -> f64 {
        self.e_value
    }

    pub(crate) const fn observations(&self) -> u64 {
        self.observations
    }

    pub(crate) fn reset(&mut self) {
        for capital in [&mut self.rising, &mut self.falling].into_iter().flatten() {
            *capital = [0.0; BETS];
        }
        self.observations = 0;
        self.e_value = 0.0;
    }
}

#[inline]
fn bet(capital: &mut [f64; BETS], factors: [f64; BETS]) -> f64 {
    let mut sum = 0.0;
    for (capital, factor) in capital.iter_mut().zip(factors) {
        *capital = ((*capital + 1.0) * factor).min(CAP);
        sum += *capital;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sides_that_are_watched_are_asked() {
        let refuse = || panic!("not watched");
        let mut rising = Evidence::new(Direction::Rising, 12.0).unwrap();
        assert_eq!(rising.update(|| [2.0; BETS], refuse), Signal::Warning);
        let mut falling = Evidence::new(Direction::Falling, 12.0).unwrap();
        assert_eq!(falling.update(refuse, || [12.0; BETS]), Signal::Drift);
        let mut both = Evidence::new(Direction::Both, 100.0).unwrap();
        assert_eq!(both.update(|| [2.0; BETS], || [4.0; BETS]), Signal::Stable);
        assert!((both.e_value() - 3.0).abs() < 1e-15);
    }

    #[test]
    fn capital_is_capped() {
        let mut evidence = Evidence::new(Direction::Rising, 1.0).unwrap();
        for _ in 0..1_000 {
            evidence.update(|| [1e30; BETS], || [1.0; BETS]);
        }
        assert!(evidence.e_value().is_finite() && evidence.e_value() > 1e299);
    }
}
