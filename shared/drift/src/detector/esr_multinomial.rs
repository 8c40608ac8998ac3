//! Multinomial e-SR: a change in the mix of categories, such as the tools an agent calls.
//!
//! Shin, Ramdas, Rinaldo: *E-detectors*, arXiv 2203.03532, with predictable plug-in alternatives.
//! For a value in category `b` with probability `p_b` under the null hypothesis,
//!
//! ```text
//! factor = 1 - s + s * q_b / p_b
//! ```
//!
//! where `q` is the mix of the stream's recent past (see `recent`): decaying counts, smoothed by a
//! Dirichlet prior around `p`. There are six bets: each of two memories with each of three `s`.
//!
//! **Categories.** The value is the category's number in the baseline's counts, from 0. Any other
//! value, and any category beyond the first [`CATEGORIES_MAX`], falls into the bin *other*, which
//! has the probability of half a count: a category that was never seen before is detected within a
//! few values. `p_b` is `(n_b + 1/2) / (n + bins/2)`.
//!
//! **Guarantee.** `q` is known before the value and sums to 1, so the factor has expectation 1
//! whatever `q` is, and the average run length is at least the threshold, if each value given all
//! before it has the probabilities `p`. The baseline gives only estimates of them:
//! [`EsrMultinomial::new`] is approximate, and valid only for streams much shorter than the
//! baseline. [`EsrMultinomial::cautious`] divides by upper confidence bounds of the probabilities
//! instead, Chernoff's for a binomial count, all bins together with probability at least
//! `1 - miss`; then `E[factor] = 1 - s + s * sum of q_b true_b / bound_b <= 1`, and the average run
//! length is at least the threshold for every size of the baseline.
//!
//! **How approximate.** At a threshold of 10,000, where at most half of the streams may have a
//! false alarm within 5,000 values, nearly all streams of four tools had one with
//! [`EsrMultinomial::new`] after baselines of 300 calls, about half after 2,000 and about an eighth
//! after 10,000. With [`EsrMultinomial::cautious`] none had, but it needs some 10,000 earlier calls
//! to detect more than large changes. [`EsrConformal::mix`] is exact at every size, and after 2,000
//! earlier calls takes up to twice as many values to detect a change as [`EsrMultinomial::new`].
//!
//! [`EsrConformal::mix`]: crate::EsrConformal::mix
//!
//! **What it does not do.** It does not identify the category that changed; compare the counts for
//! that. The order of categories has no meaning.

use serde::{Deserialize, Serialize};

use crate::detector::evidence::Evidence;
use crate::detector::recent::Recent;
use crate::detector::{Baseline, Direction, NullError, Observation, Signal, StreamDetector};
use crate::elementary::{ln, real};

/// Categories with a bin of their own.
pub const CATEGORIES_MAX: usize = 512;

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EsrMultinomial {
    /// For each bin its estimated probability, and the inverse of the upper bound used for it.
    /// Never empty.
    bins: Vec<(f64, f64)>,
    recent: Recent,
    evidence: Evidence,
}

impl EsrMultinomial {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that uses the smoothed shares of the baseline as the probabilities, and alarms
    /// when its e-value reaches `threshold`.
    ///
    /// # Errors
    ///
    /// A baseline without `counts`, or with nothing counted; a threshold that is not a finite
    /// number of at least 1.
    pub fn new(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        let evidence = Evidence::new(Direction::Rising, threshold)?;
        let (known, rest) = baseline.counts.split_at(baseline.counts.len().min(CATEGORIES_MAX));
        let counts: Vec<f64> =
            known.iter().copied().chain([rest.iter().sum::<u64>()]).map(real).collect();
        let total: f64 = counts.iter().sum();
        if total == 0.0 {
            return Err(NullError::Missing("counts"));
        }
        let all = counts.iter().map(|count| count + 0.5).sum::<f64>();
        let bins: Vec<(f64, f64)> =
            counts.iter().map(|count| ((count + 0.5) / all, all / (count + 0.5))).collect();
        let recent = Recent::new(bins.len());
        Ok(Self { bins, recent, evidence })
    }

    /// A detector with a margin for the baseline being a sample: with probability at least `1 -
    /// miss` over baselines, the average run length is at least `threshold`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`], and a `miss` that is not strictly between 0 and 1.
    pub fn cautious(baseline: &Baseline<'_>, threshold: f64, miss: f64) -> Result<Self, NullError> {
        let mut detector = Self::new(baseline, threshold)?;
        if !(miss > 0.0 && miss < 1.0) {
            return Err(NullError::Miss(miss));
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 513")]
        let nats = ln(detector.bins.len() as f64 / miss);
        let total: f64 = baseline.counts.iter().copied().map(real).sum();
        let last = detector.bins.len() - 1;
        let (known, rest) = baseline.counts.split_at(last);
        let rest: f64 = rest.iter().copied().map(real).sum();
        let counts = known.iter().copied().map(real).chain([rest]);
        for ((_, inverse), count) in detector.bins.iter_mut().zip(counts) {
            *inverse = 1.0 / upper_bound(count / total, nats / total);
        }
        Ok(detector)
    }

    /// The e-value at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.evidence.threshold()
    }

    #[inline]
    fn bin(&self, value: f64) -> usize {
        let other = self.bins.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float is cut to the range of the integer"
        )]
        let number = value as usize;
        if value >= 0.0 { number.min(other) } else { other }
    }
}

/// The largest probability whose divergence from the share is at most `nats`, or 1.
fn upper_bound(share: f64, nats: f64) -> f64 {
    let divergence = |p: f64| {
        let hit = if share > 0.0 { share * ln(share / p) } else { 0.0 };
        let miss = if share < 1.0 { (1.0 - share) * ln((1.0 - share) / (1.0 - p)) } else { 0.0 };
        hit + miss
    };
    let (mut low, mut high) = (share, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if middle >= 1.0 || divergence(middle) > nats {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

impl StreamDetector for EsrMultinomial {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        let bin = self.bin(observation.value.value());
        let Some(&(prior, inverse)) = self.bins.get(bin) else {
            unreachable!("bin {bin} of {}", self.bins.len())
        };
        let factors = self.recent.factors(bin, prior, inverse);
        self.evidence.update(|| factors, || factors)
    }

    fn statistic(&self) -> f64 {
        self.evidence.e_value()
    }

    fn observations(&self) -> u64 {
        self.evidence.observations()
    }

    fn reset(&mut self) {
        self.recent.reset();
        self.evidence.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Finite;

    fn detector(counts: &[u64]) -> EsrMultinomial {
        let baseline = Baseline { counts, ..Baseline::default() };
        EsrMultinomial::new(&baseline, 10_000.0).unwrap()
    }

    fn category(number: u32) -> Observation {
        Observation::of(Finite::new(f64::from(number)).unwrap())
    }

    /// Expectation of `M_t` over all sequences of bins, for those probabilities.
    fn expected(detector: &EsrMultinomial, probabilities: &[f64], t: u32) -> f64 {
        if t == 0 {
            return detector.statistic();
        }
        (0_u32..)
            .zip(probabilities)
            .map(|(bin, probability)| {
                let mut next = detector.clone();
                next.update(category(bin));
                probability * expected(&next, probabilities, t - 1)
            })
            .sum()
    }

    #[test]
    fn the_expected_e_value_at_the_null_is_the_number_of_values() {
        for (counts, t) in [(&[7_u64, 2][..], 9), (&[1], 12), (&[40, 30, 20, 10], 6)] {
            let detector = detector(counts);
            let null: Vec<f64> = detector.bins.iter().map(|(p, _)| *p).collect();
            assert!((null.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for t in 1..=t {
                let error = expected(&detector, &null, t) - f64::from(t);
                assert!(error.abs() < 1e-9, "{counts:?} {t}: {error}");
            }
        }
    }

    #[test]
    fn within_its_bounds_a_cautious_one_expects_less() {
        let baseline = Baseline { counts: &[70, 20, 10], ..Baseline::default() };
        let detector = EsrMultinomial::cautious(&baseline, 100.0, 0.05).unwrap();
        for truth in [[0.7, 0.2, 0.1, 0.0], [0.6, 0.26, 0.13, 0.01], [0.8, 0.15, 0.05, 0.0]] {
            for ((_, inverse), truth) in detector.bins.iter().zip(truth) {
                assert!(*inverse <= 1.0 / truth, "{truth}");
            }
            assert!(expected(&detector, &truth, 6) <= 6.0);
        }
    }

    /// The chance that the bound of a binomial count lies below the true probability.
    #[test]
    fn bounds_hold_with_the_probability_they_say() {
        for trials in [1_u32, 10, 60] {
            for miss in [0.05, 0.001] {
                for step in 1..100 {
                    let p = f64::from(step) / 100.0;
                    let (mut mass, mut wrong) = ((1.0 - p).powi(trials.cast_signed()), 0.0);
                    for count in 0..=trials {
                        let share = f64::from(count) / f64::from(trials);
                        if upper_bound(share, ln(1.0 / miss) / f64::from(trials)) < p {
                            wrong += mass;
                        }
                        mass *= f64::from(trials - count) / f64::from(count + 1) * p / (1.0 - p);
                    }
                    assert!(wrong <= miss, "{trials} {miss} {p}: {wrong}");
                }
            }
        }
        assert!((upper_bound(1.0, 0.1) - 1.0).abs() < 1e-15);
        assert!((upper_bound(0.0, 0.1) - (1.0 - (-0.1_f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_known_category_is_other_and_soon_found() {
        let mut detector = detector(&[500, 500]);
        for (value, bin) in [(0.0, 0), (1.9, 1), (2.0, 2), (1e300, 2), (-1.0, 2)] {
            assert_eq!(detector.bin(value), bin, "{value}");
        }
        for step in 0..1_000 {
            assert!(detector.update(category(step % 2)) < Signal::Drift);
        }
        let found = (1..100).find(|_| detector.update(category(7)) == Signal::Drift);
        assert!(found.is_some_and(|found| found <= 4), "{found:?}");
    }

    #[test]
    fn more_categories_than_bins_share_the_last() {
        let counts = vec![1; CATEGORIES_MAX + 100];
        let detector = detector(&counts);
        assert_eq!(detector.bins.len(), CATEGORIES_MAX + 1);
        assert!(detector.bins[CATEGORIES_MAX].0 > 50.0 * detector.bins[0].0);
        let baseline = Baseline { counts: &counts, ..Baseline::default() };
        assert!(EsrMultinomial::cautious(&baseline, 10.0, 0.05).is_ok());
        let none = Baseline { counts: &[0, 0], ..Baseline::default() };
        assert_eq!(EsrMultinomial::new(&none, 10.0), Err(NullError::Missing("counts")));
        assert_eq!(EsrMultinomial::cautious(&baseline, 10.0, 0.0), Err(NullError::Miss(0.0)));
    }
}
