//! The time of a change: the start after which the values are least like the null hypothesis.
//!
//! For every bet of the mixture (see `detector::esr_bounded`) the start that maximises the
//! likelihood ratio of everything after it is the last restart of a CUSUM (Page 1954), which
//! takes one number. The estimate is the best start of the best bet: the exact argmax over all
//! starts and all bets, in memory of six candidates whatever the length of the stream.
//!
//! **What it is not.** The estimate is selected to look like a change, so the mean since then is
//! biased away from the null hypothesis; an interval around it is a description, not a test. The
//! test is the detector's.

use serde::{Deserialize, Serialize};

use crate::detector::{BETS, Bets, NullError};
use crate::finite::Unit;

/// Cap of a ratio: far above any threshold, and finite. The start of a capped candidate no longer
/// moves.
const CAP: f64 = 1e300;

/// An estimated change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Since<M> {
    /// Mark of the first value after the change.
    pub mark: M,
    /// Values since then, that one included.
    pub observations: u64,
    /// Sum of those values.
    pub sum: f64,
    /// Likelihood ratio of the best bet over those values.
    pub likelihood_ratio: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Candidate<M> {
    ratio: f64,
    start: Option<M>,
    observations: u64,
    sum: f64,
}

/// Estimates the start of a rise above (or fall below) a bound. `M` identifies a value, for example
/// by its position and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Localiser<M> {
    bets: Bets,
    candidates: [Candidate<M>; BETS],
}

impl<M: Copy> Localiser<M> {
    /// Watches for a rise of the mean above `bound`.
    ///
    /// # Errors
    ///
    /// A bound that is not strictly between 0 and 1.
    pub fn rising(bound: f64) -> Result<Self, NullError> {
        Bets::rising(bound).map(Self::with)
    }

    /// Watches for a fall of the mean below `bound`.
    ///
    /// # Errors
    ///
    /// A bound that is not strictly between 0 and 1.
    pub fn falling(bound: f64) -> Result<Self, NullError> {
        Bets::falling(bound).map(Self::with)
    }

    fn with(bets: Bets) -> Self {
        let candidates = std::array::from_fn(|_| Candidate {
            ratio: 1.0,
            start: None,
            observations: 0,
            sum: 0.0,
        });
        Self { bets, candidates }
    }

    /// Takes the next value, identified by `mark`.
    pub fn update(&mut self, value: Unit, mark: M) {
        let factors = self.bets.factors(value.value());
        for (candidate, factor) in self.candidates.iter_mut().zip(factors) {
            if candidate.ratio <= 1.0 || candidate.start.is_none() {
                *candidate = Candidate { ratio: 1.0, start: Some(mark), observations: 0, sum: 0.0 };
            }
            candidate.ratio = (candidate.ratio * factor).min(CAP);
            candidate.observations += 1;
            candidate.sum += value.value();
        }
    }

    /// The most likely change; `None` while there is no evidence of one.
    #[must_use]
    pub fn estimate(&self) -> Option<Since<M>> {
        let mut best: Option<&Candidate<M>> = None;
        for candidate in self.candidates.iter().filter(|candidate| candidate.ratio > 1.0) {
            if best.is_none_or(|best| candidate.ratio > best.ratio) {
                best = Some(candidate);
            }
        }
        best.and_then(|best| {
            Some(Since {
                mark: best.start?,
                observations: best.observations,
                sum: best.sum,
                likelihood_ratio: best.ratio,
            })
        })
    }

    /// Forgets everything but the bound.
    pub fn reset(&mut self) {
        *self = Self::with(self.bets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All starts and all bets, the slow way.
    fn brute_force(bets: &Bets, values: &[f64]) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for start in 0..values.len() {
            for bet in 0..BETS {
                let ratio: f64 = values[start..].iter().map(|v| bets.factors(*v)[bet]).product();
                if ratio > 1.0 + 1e-12 && best.is_none_or(|(_, known)| ratio > known) {
                    best = Some((start, ratio));
                }
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_estimate_is_the_argmax_over_all_starts(
            values in prop::collection::vec(0_u8..=10, 1..60), bound in 0.05_f64..0.9,
        ) {
            let values: Vec<f64> = values.iter().map(|v| f64::from(*v) / 10.0).collect();
            let mut localiser = Localiser::rising(bound).unwrap();
            for (index, value) in values.iter().enumerate() {
                localiser.update(Unit::new(*value).unwrap(), index);
            }
            let slow = brute_force(&Bets::rising(bound).unwrap(), &values);
            let fast = localiser.estimate().filter(|since| since.likelihood_ratio > 1.0 + 1e-12);
            prop_assert_eq!(slow.is_some(), fast.is_some());
            if let (Some((_, ratio)), Some(fast)) = (slow, fast) {
                prop_assert!((ratio / fast.likelihood_ratio - 1.0).abs() < 1e-9);
                let since = &values[fast.mark..];
                prop_assert_eq!(since.len() as u64, fast.observations);
                prop_assert!((since.iter().sum::<f64>() - fast.sum).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_clear_change_is_found_where_it_is() {
        let mut localiser = Localiser::rising(0.1).unwrap();
        for index in 0..1_000_u32 {
            let failed = if index < 600 { index % 10 == 3 } else { index % 2 == 0 };
            localiser.update(failed.into(), index);
        }
        let since = localiser.estimate().unwrap();
        assert!((593..=602).contains(&since.mark), "{since:?}");
    }
}
