//! The bets of the bounded-mean mixture: six alternatives on one side of the bound.
//!
//! A bet on the alternative mean `p` multiplies its capital by `at_zero + slope * x`, the line
//! through the Bernoulli likelihood ratios at `x = 0` and `x = 1`. Its expectation is 1 when the
//! mean is the bound, and less on the far side of it; nothing but boundedness is assumed.

use serde::{Deserialize, Serialize};

use crate::detector::NullError;

/// Bets on one side.
pub(crate) const BETS: usize = 6;

/// Alternatives as ratios of odds: that of `p` against the bound, or of the bound against `p`.
/// Odds, so that a bet is equally bold near 0 and near one half, and never leaves `(0, 1)`.
const ODDS: [f64; BETS] = [1.26, 1.63, 2.2, 3.7, 5.6, 17.0];

/// Shares of the capital, chosen together with [`ODDS`] by simulation. Small changes need the
/// largest shares, as halving a share delays their detection by hundreds of values; large changes
/// are detected after a few values anyway.
pub(crate) const SHARES: [f64; BETS] = [0.13, 0.21, 0.22, 0.34, 0.07, 0.03];

/// Six bets on one side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bets {
    pub(crate) at_zero: [f64; BETS],
    pub(crate) slope: [f64; BETS],
}

impl Bets {
    pub(crate) fn rising(bound: f64) -> Result<Self, NullError> {
        Self::on(bound, ODDS.map(|odds| odds * bound / (1.0 - bound + odds * bound)))
    }

    pub(crate) fn falling(bound: f64) -> Result<Self, NullError> {
        Self::on(bound, ODDS.map(|odds| bound / (bound + odds * (1.0 - bound))))
    }

    fn on(bound: f64, alternatives: [f64; BETS]) -> Result<Self, NullError> {
        if !(bound > 0.0 && bound < 1.0) {
            return Err(NullError::Bound(bound));
        }
        let at_zero = alternatives.map(|p| (1.0 - p) / (1.0 - bound));
        let mut slope = alternatives.map(|p| p / bound);
        for (slope, at_zero) in slope.iter_mut().zip(at_zero) {
            *slope -= at_zero;
        }
        Ok(Self { at_zero, slope })
    }

    /// The factors of one value.
    #[inline]
    pub(crate) fn factors(&self, value: f64) -> [f64; BETS] {
        let mut factors = self.at_zero;
        for (factor, slope) in factors.iter_mut().zip(self.slope) {
            *factor += slope * value;
        }
        factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bet_is_fair_at_its_bound_and_loses_on_the_far_side() {
        for bound in [1e-6, 0.01, 0.1, 0.5, 0.9, 0.999] {
            for (bets, far) in
                [(Bets::rising(bound).unwrap(), 0.5), (Bets::falling(bound).unwrap(), 1.0)]
            {
                let mean = |mean: f64| {
                    let [zero, one] = [bets.factors(0.0), bets.factors(1.0)];
                    std::array::from_fn::<f64, BETS, _>(|j| (1.0 - mean) * zero[j] + mean * one[j])
                };
                assert!(mean(bound).iter().all(|e| (e - 1.0).abs() < 1e-12), "{bound}");
                let far = if far < 1.0 { bound * far } else { f64::midpoint(bound, 1.0) };
                assert!(mean(far).iter().all(|e| *e < 1.0), "{bound}");
                assert!(bets.factors(0.0).iter().chain(&bets.factors(1.0)).all(|f| *f > 0.0));
            }
        }
    }

    #[test]
    fn shares_are_all_of_it() {
        assert!((SHARES.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_fall_is_a_rise_of_the_opposite() {
        let (rise, fall) = (Bets::rising(0.3).unwrap(), Bets::falling(0.7).unwrap());
        for value in [0.0, 0.2, 1.0] {
            let pairs = rise.factors(value).into_iter().zip(fall.factors(1.0 - value));
            assert!(pairs.into_iter().all(|(up, down)| (up - down).abs() < 1e-12));
        }
    }

    #[test]
    fn a_bound_of_zero_or_one_is_refused() {
        for bound in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(Bets::rising(bound).is_err());
            assert!(Bets::falling(bound).is_err());
        }
    }
}
