//! The mix of bins in a stream's recent past, and six bets that it continues.
//!
//! Counts decay with two time constants ("memories"), and are smoothed by a Dirichlet prior around
//! the null hypothesis. For each memory three fractions `s` of the capital are bet: with the
//! smoothed share `q` of a value's bin and its probability `p` under the null hypothesis the factor
//! is `1 - s + s q / p`.
//!
//! **Promise.** The factors use nothing but earlier values, and the shares `q` sum to 1 if the
//! priors do, so each factor has expectation 1 under `p`. The cost of an update does not depend on
//! the number of bins, except for about one update in 4,000.

use serde::{Deserialize, Serialize};

use crate::detector::BETS;

/// Time constants of the decay, in values.
const MEMORIES: [f64; 2] = [50.0, 400.0];
/// Fractions of the capital that are bet.
const SHARES: [f64; 3] = [0.1, 0.3, 0.9];
/// Weight of the prior, in values.
const PRIOR: f64 = 20.0;

/// Weight of the latest value beyond which all weights are scaled down.
const UNIT_MAX: f64 = 1e200;

/// The recent past in two memories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recent([Memory; MEMORIES.len()]);

/// Decaying counts: instead of shrinking the counts, the unit grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Memory {
    growth: f64,
    unit: f64,
    total: f64,
    weights: Vec<f64>,
}

impl Recent {
    pub(crate) fn new(bins: usize) -> Self {
        Self(MEMORIES.map(|memory| Memory {
            growth: memory / (memory - 1.0),
            unit: 1.0,
            total: 0.0,
            weights: vec![0.0; bins],
        }))
    }

    /// The factors of the next value, which falls into `bin` and is then counted. `prior` is the
    /// prior share of the bin, `inverse` one over its probability under the null hypothesis.
    #[inline]
    pub(crate) fn factors(&mut self, bin: usize, prior: f64, inverse: f64) -> [f64; BETS] {
        let mut factors = [1.0; BETS];
        for (factors, memory) in factors.chunks_exact_mut(SHARES.len()).zip(&mut self.0) {
            let ratio = memory.share(bin, prior) * inverse;
            for (factor, share) in factors.iter_mut().zip(SHARES) {
                *factor = 1.0 - share + share * ratio;
            }
            memory.count(bin);
        }
        factors
    }

    pub(crate) fn reset(&mut self) {
        for memory in &mut self.0 {
            memory.unit = 1.0;
            memory.total = 0.0;
            memory.weights.fill(0.0);
        }
    }
}

impl Memory {
    #[inline]
    fn share(&self, bin: usize, prior: f64) -> f64 {
        let Some(weight) = self.weights.get(bin) else {
            unreachable!("bin {bin} of {}", self.weights.len())
        };
        (PRIOR * prior * self.unit + weight) / (PRIOR * self.unit + self.total)
    }

    #[inline]
    fn count(&mut self, bin: usize) {
        self.unit *= self.growth;
        self.total += self.unit;
        if let Some(weight) = self.weights.get_mut(bin) {
            *weight += self.unit;
        }
        if self.unit > UNIT_MAX {
            for weight in &mut self.weights {
                *weight /= self.unit;
            }
            self.total /= self.unit;
            self.unit = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_factors_are_fair() {
        let null = [0.5, 0.3, 0.2];
        let mut recent = Recent::new(3);
        for step in 0..500_usize {
            for memory in &recent.0 {
                let shares = null.iter().enumerate().map(|(bin, prior)| memory.share(bin, *prior));
                assert!((shares.sum::<f64>() - 1.0).abs() < 1e-12);
            }
            let mut mean = [0.0; BETS];
            for (bin, probability) in null.iter().enumerate() {
                let factors = recent.clone().factors(bin, *probability, 1.0 / probability);
                for (mean, factor) in mean.iter_mut().zip(factors) {
                    *mean += probability * factor;
                }
            }
            assert!(mean.iter().all(|mean| (mean - 1.0).abs() < 1e-12), "{mean:?}");
            let bin = step * step % 3;
            recent.factors(bin, null[bin], 1.0 / null[bin]);
        }
    }

    #[test]
    fn old_weights_are_made_smaller_in_time() {
        let mut recent = Recent::new(2);
        for step in 0..60_000 {
            recent.factors(step % 2, 0.5, 2.0);
        }
        for memory in &recent.0 {
            assert!(memory.unit < UNIT_MAX && memory.total.is_finite());
            assert!((memory.share(0, 0.5) - 0.5).abs() < 0.02);
        }
    }
}
