//! e-SR: the Shiryaev-Roberts e-detector for a bounded mean, as a mixture of bets.
//!
//! Shin, Ramdas, Rinaldo: *E-detectors: a nonparametric framework for sequential change
//! detection*, arXiv 2203.03532. For each bet `j` with factor `f_j(x)` and share `w_j` of the
//! capital, all of them together 1 (see `bets`):
//!
//! ```text
//! R_j <- (R_j + w_j) * f_j(x)        M = sum of the R_j        alarm at M >= A
//! ```
//!
//! For [`Null::Between`], `M` is the mean of the two sides.
//!
//! **Guarantee.** While the mean of each value, given all before it, stays within the null
//! hypothesis, the average number of values until an alarm is at least `A`: for values of any
//! distribution on `[0, 1]`, dependent or not, at every sample size. The condition is on the true
//! mean, so a bound that was estimated must be an upper confidence bound (or carry a tolerance).
//! For values that are 0 or 1, `M` is the exact mixture of Shiryaev-Roberts likelihood ratios.
//!
//! **Range.** `R_j` cannot underflow, as its share is added before each factor. It is capped at
//! `1e300`; a capped `M` is a lower bound of the true one, so the guarantee still holds.

use serde::{Deserialize, Serialize};

use crate::detector::{BETS, Bets, Null, NullError, Observation, SHARES, Signal, StreamDetector};
use crate::finite::Unit;

/// Cap of the capital: far above any threshold, and finite.
const CAP: f64 = 1e300;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Side {
    bets: Bets,
    capital: [f64; BETS],
}

impl Side {
    const fn new(bets: Bets) -> Self {
        Self { bets, capital: [0.0; BETS] }
    }

    #[inline]
    fn update(&mut self, value: f64) -> f64 {
        let factors = self.bets.factors(value);
        let mut sum = 0.0;
        for ((capital, share), factor) in self.capital.iter_mut().zip(SHARES).zip(factors) {
            *capital = ((*capital + share) * factor).min(CAP);
            sum += *capital;
        }
        sum
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EsrBounded {
    rising: Option<Side>,
    falling: Option<Side>,
    threshold: f64,
    weight: f64,
    observations: u64,
    e_value: f64,
}

impl EsrBounded {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that alarms when its e-value reaches `threshold`, the guaranteed average run
    /// length to a false alarm.
    ///
    /// # Errors
    ///
    /// A bound that is not strictly between 0 and 1, bounds in the wrong order, or a threshold
    /// that is not a finite number of at least 1.
    pub fn new(null: Null, threshold: f64) -> Result<Self, NullError> {
        let (rising, falling) = match null {
            Null::AtMost(bound) => (Some(Bets::rising(bound)?), None),
            Null::AtLeast(bound) => (None, Some(Bets::falling(bound)?)),
            Null::Between(low, high) if low > high => return Err(NullError::Order(low, high)),
            Null::Between(low, high) => (Some(Bets::rising(high)?), Some(Bets::falling(low)?)),
        };
        if !(threshold.is_finite() && threshold >= 1.0) {
            return Err(NullError::Threshold(threshold));
        }
        let weight = 1.0 / f64::from(u8::from(rising.is_some()) + u8::from(falling.is_some()));
        Ok(Self {
            rising: rising.map(Side::new),
            falling: falling.map(Side::new),
            threshold,
            weight,
            observations: 0,
            e_value: 0.0,
        })
    }

    /// The e-value at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }
}

impl StreamDetector for EsrBounded {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        let value = Unit::nearest(observation.value).value();
        let mut sum = 0.0;
        for side in [&mut self.rising, &mut self.falling].into_iter().flatten() {
            sum += side.update(value);
        }
        self.e_value = self.weight * sum;
        self.observations += 1;
        Signal::of(self.e_value, self.threshold)
    }

    fn statistic(&self) -> f64 {
        self.e_value
    }

    fn observations(&self) -> u64 {
        self.observations
    }

    fn reset(&mut self) {
        for side in [&mut self.rising, &mut self.falling].into_iter().flatten() {
            side.capital = [0.0; BETS];
        }
        self.observations = 0;
        self.e_value = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector(null: Null) -> EsrBounded {
        EsrBounded::new(null, 10_000.0).unwrap()
    }

    /// Expectation of `M_t` over all 2^t sequences of 0 and 1 with mean `mean`.
    fn expected(null: Null, mean: f64, t: u32) -> f64 {
        (0..1_u32 << t)
            .map(|bits| {
                let mut detector = detector(null);
                let mut probability = 1.0;
                for step in 0..t {
                    let one = bits >> step & 1 == 1;
                    probability *= if one { mean } else { 1.0 - mean };
                    detector.update(one.into());
                }
                probability * detector.statistic()
            })
            .sum()
    }

    #[test]
    fn the_expected_e_value_at_the_null_is_the_number_of_values() {
        for mean in [0.05, 0.1, 0.5] {
            for t in 1..=12 {
                for null in [Null::AtMost(mean), Null::AtLeast(mean), Null::Between(mean, mean)] {
                    let error = expected(null, mean, t) - f64::from(t);
                    assert!(error.abs() < 1e-9, "{null:?} {t}: {error}");
                }
            }
        }
    }

    #[test]
    fn inside_the_null_the_expected_e_value_is_less() {
        for (null, mean) in [(Null::AtMost(0.2), 0.1), (Null::AtLeast(0.2), 0.4)] {
            assert!(expected(null, mean, 10) < 9.0, "{null:?}");
        }
    }

    #[test]
    fn evidence_is_capped_and_comes_back() {
        let mut detector = detector(Null::AtMost(0.01));
        for _ in 0..100_000 {
            assert!(detector.update(true.into()) >= Signal::Stable);
        }
        assert!(detector.statistic() <= 6.0 * CAP && detector.statistic().is_finite());
        for _ in 0..1_000_000 {
            detector.update(false.into());
        }
        assert!(detector.statistic() < 1_000.0, "{}", detector.statistic());
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        assert_eq!(EsrBounded::new(Null::AtMost(0.0), 10.0), Err(NullError::Bound(0.0)));
        assert_eq!(EsrBounded::new(Null::Between(0.2, 0.1), 1e4), Err(NullError::Order(0.2, 0.1)));
        assert_eq!(EsrBounded::new(Null::AtMost(0.1), 0.5), Err(NullError::Threshold(0.5)));
        assert!(EsrBounded::new(Null::AtMost(0.1), f64::INFINITY).is_err());
    }
}
