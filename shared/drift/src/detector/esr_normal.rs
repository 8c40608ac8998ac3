//! e-SR on normal scores: latency, tokens, cost, length against a frozen reference sample.
//!
//! Shin, Ramdas, Rinaldo: *E-detectors*, arXiv 2203.03532, with bets on a shift of the normal
//! score (see `scores`) of the value's rank among earlier values.
//!
//! **Rank.** The sample of `N` values is stored as at most [`BUCKETS_MAX`] edges and counts. A
//! value falls into a bucket `(e_b-1, e_b]`; its rank is drawn uniformly, by the observation's
//! `tie`, between the sample's counts at the two ends, and divided by `N + 1`: above the largest
//! value lies a bucket of one `N + 1`-th. For bets on a fall everything is mirrored.
//!
//! **Guarantee, known distribution.** Say the probability of each bucket is its share of `N + 1`
//! (the limit of a large sample). Then the rank is exactly uniform: given its bucket it is uniform
//! on the bucket's interval of ranks, and the intervals tile `[0, 1]` with lengths equal to the
//! probabilities. This needs no continuity and survives merging buckets, so compression and
//! ties cost power but never validity. Each factor then has expectation 1, and the average run
//! length is at least the threshold, if each value given all before it has that distribution. Bets
//! on a rise grow with the rank, so values stochastically smaller than the reference are allowed
//! too when only rises are watched for (and larger ones for falls).
//!
//! **What holds with `N` values.** Let `F` be the distribution of reference and stream alike.
//! `F` at the `m`-th sample value is at least the `m`-th of `N` ordered uniform numbers `U_(m)`,
//! with equality in distribution if `F` is continuous. The factor `f` of a bet on a rise is
//! increasing in the bucket, so summation by parts bounds its expectation given the sample by
//! `c = sum of p_i f_i` over the `N + 1` gaps between ordered uniforms, where the gaps' lengths
//! `p` are Dirichlet(1, .., 1) and the `f_i` average to 1. Hence:
//!
//! - *one* value is worth at most 1 on average over samples; but the same sample ranks *every*
//!   value, so a run of `t` values is worth `E[c^t] > 1`. `c` is `1 + O(d / sqrt(N))`, so
//!   [`EsrNormal::new`] is approximate: correct for runs much shorter than `N`, while an unlucky
//!   sample permanently shortens the run length of its stream. At a threshold of 10,000 the mean
//!   run length over samples was above it, but the unluckiest tenth of samples had 400 to 1,200
//!   with `N = 500`, 2,000 to 2,800 with 2,000, and 2,800 to 6,400 with 10,000. Use it with tens of
//!   thousands of values, or
//! - [`EsrNormal::cautious`], which divides each factor by `1 + eps` so that, with probability at
//!   least `1 - miss` over samples, all expectations are at most 1 and the run length is at least
//!   the threshold, for every `N`; or
//! - `esr_conformal`, which ranks each value among the sample *and* the stream so far and is exact
//!   on average over both.
//!
//! **The margin.** Gaps are independent exponentials `E_i` divided by their sum, so
//! `P(c >= 1 + eps) = P(sum of E_i y_i >= 0)` with `y_i = f_i - 1 - eps`. By Markov's inequality
//! that is at most the product of `1 / (1 - s y_i)` for each `0 < s < 1 / b`, where `b` is the
//! largest `f` minus 1; and `-ln(1 - x) <= x + x^2 / (2 (1 - s b))` for `x <= s b`. With the
//! variance `v` of the `f_i` this is Bernstein's bound, below `miss / bets` as soon as
//! `eps >= b l + sqrt(2 (v + eps^2) l)`, `l = ln(bets / miss) / (N + 1)`. Averaging over buckets
//! makes `v` and `b` smaller than those of the table, which are used. For a fall, mirror.
//!
//! **What it does not do.** It does not learn: no margin makes up for a reference that is too
//! short, seasonal or from another kind of traffic.

use serde::{Deserialize, Serialize};

use crate::detector::evidence::Evidence;
use crate::detector::{
    BETS, Baseline, Direction, NullError, Observation, Signal, StreamDetector, scores,
};
use crate::elementary::ln;

/// Largest number of edges stored for a reference sample.
pub const BUCKETS_MAX: usize = 512;

/// A frozen sample: the upper ends of its buckets, ascending and distinct; the last is its maximum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reference {
    edges: Vec<f64>,
    /// For each edge, the number of sample values below it, and at or below it.
    counts: Vec<(u32, u32)>,
    size: u32,
}

impl Reference {
    fn new(sorted: &[f64]) -> Result<Self, NullError> {
        let Some(last) = sorted.last() else { return Err(NullError::Missing("sorted")) };
        let malformed = NullError::Malformed("sorted");
        if !sorted.iter().all(|value| value.is_finite()) || !sorted.is_sorted() {
            return Err(malformed);
        }
        let size = u32::try_from(sorted.len()).map_err(|_| malformed)?;
        let mut edges: Vec<f64> = Vec::with_capacity(BUCKETS_MAX);
        let buckets = sorted.chunk_by(|one, next| one.total_cmp(next).is_eq()).count();
        if buckets <= BUCKETS_MAX {
            edges.extend(sorted);
        } else {
            // Equal shares: each edge is a sample quantile. There are more values than buckets, so
            // every quantile has a rank of at least 1.
            let rank = |part: usize| sorted.len() * part / BUCKETS_MAX - 1;
            edges.extend((1..BUCKETS_MAX).filter_map(|part| sorted.get(rank(part))));
            edges.push(*last);
        }
        edges.dedup_by(|next, one| next <= one);
        edges.iter_mut().for_each(|edge| *edge += 0.0);
        let mut counts = Vec::with_capacity(edges.len());
        for edge in &edges {
            let below = sorted.partition_point(|value| value < edge);
            let upto = sorted.partition_point(|value| value <= edge);
            let (Ok(below), Ok(upto)) = (u32::try_from(below), u32::try_from(upto)) else {
                unreachable!("a part of {size} values");
            };
            counts.push((below, upto));
        }
        Ok(Self { edges, counts, size })
    }

    /// Number of edges below a value, and at or below it.
    #[inline]
    fn place(&self, value: f64) -> (usize, usize) {
        // Comparing in total order needs no branches that could be mispredicted. Adding zero turns
        // a negative zero into a positive one.
        match self.edges.binary_search_by(|edge| edge.total_cmp(&(value + 0.0))) {
            Ok(at) => (at, at + 1),
            Err(at) => (at, at),
        }
    }

    /// Rank from below of a value in its bucket `(e_b-1, e_b]`, where `below` edges are below it.
    #[inline]
    fn rank_below(&self, below: usize, tie: f64) -> f64 {
        let low = below.checked_sub(1).and_then(|before| self.counts.get(before));
        let low = low.map_or(0.0, |(_, upto)| f64::from(*upto));
        let last = f64::from(self.size) + 1.0;
        let high = self.counts.get(below).map_or(last, |(_, upto)| f64::from(*upto));
        (low + tie * (high - low)) / last
    }

    /// Rank from above of a value in its bucket `[e_b-1, e_b)`, where `upto` edges are at or below
    /// it.
    #[inline]
    fn rank_above(&self, upto: usize, tie: f64) -> f64 {
        let size = f64::from(self.size);
        let low = self.counts.get(upto).map_or(0.0, |(below, _)| size - f64::from(*below));
        let high = upto.checked_sub(1).and_then(|before| self.counts.get(before));
        let high = high.map_or(size + 1.0, |(below, _)| size - f64::from(*below));
        (low + (1.0 - tie) * (high - low)) / (size + 1.0)
    }
}

/// The detector; see the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EsrNormal {
    reference: Reference,
    /// Multiplier of each factor: 1, or less because of the margin.
    discounts: [f64; BETS],
    evidence: Evidence,
}

impl EsrNormal {
    /// Version of the computation.
    pub const VERSION: u32 = 1;

    /// A detector that treats the reference as the distribution itself, and alarms when its e-value
    /// reaches `threshold`.
    ///
    /// # Errors
    ///
    /// A baseline without `sorted`, or one that is not finite and ascending; a threshold that is
    /// not a finite number of at least 1.
    pub fn new(baseline: &Baseline<'_>, threshold: f64) -> Result<Self, NullError> {
        Ok(Self {
            reference: Reference::new(baseline.sorted)?,
            discounts: [1.0; BETS],
            evidence: Evidence::new(baseline.direction, threshold)?,
        })
    }

    /// A detector with a margin for the reference being a sample: with probability at least `1 -
    /// miss` over samples, the average run length is at least `threshold`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`]; a `miss` that is not strictly between 0 and 1; a sample that is too
    /// small for any margin (about twenty values).
    pub fn cautious(baseline: &Baseline<'_>, threshold: f64, miss: f64) -> Result<Self, NullError> {
        let mut detector = Self::new(baseline, threshold)?;
        if !(miss > 0.0 && miss < 1.0) {
            return Err(NullError::Miss(miss));
        }
        let sides = match baseline.direction {
            Direction::Rising | Direction::Falling => 1.0,
            Direction::Both => 2.0,
        };
        #[expect(clippy::cast_precision_loss, reason = "six is exact")]
        let bets = sides * BETS as f64;
        let share = ln(bets / miss) / (f64::from(detector.reference.size) + 1.0);
        if share >= 0.25 {
            return Err(NullError::TooSmall("sorted"));
        }
        for (discount, (variance, largest)) in detector.discounts.iter_mut().zip(scores::spread()) {
            *discount = 1.0 / (1.0 + margin(share, variance, largest - 1.0));
        }
        Ok(detector)
    }

    /// The e-value at which it alarms.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.evidence.threshold()
    }

    /// Number of values in the reference.
    #[must_use]
    pub fn reference_count(&self) -> u64 {
        self.reference.size.into()
    }
}

/// The smallest `eps` with `eps >= b l + sqrt(2 (v + eps^2) l)`: the root of a quadratic equation.
fn margin(share: f64, variance: f64, largest: f64) -> f64 {
    let linear = largest * share;
    let lead = 1.0 - 2.0 * share;
    let rest = 2.0 * variance * share - linear * linear;
    (linear + (linear * linear + lead * rest).max(0.0).sqrt()) / lead
}

impl StreamDetector for EsrNormal {
    #[inline]
    fn update(&mut self, observation: Observation) -> Signal {
        let (value, tie) = (observation.value.value(), observation.tie.value());
        let Self { reference, discounts, evidence } = self;
        let factors = |rank: f64| {
            let mut factors = scores::rising(rank);
            for (factor, discount) in factors.iter_mut().zip(*discounts) {
                *factor *= discount;
            }
            factors
        };
        let (below, upto) = reference.place(value);
        evidence.update(
            || factors(reference.rank_below(below, tie)),
            || factors(reference.rank_above(upto, tie)),
        )
    }

    fn statistic(&self) -> f64 {
        self.evidence.e_value()
    }

    fn observations(&self) -> u64 {
        self.evidence.observations()
    }

    fn reset(&mut self) {
        self.evidence.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::{Finite, Unit};

    fn reference(values: &[f64]) -> Reference {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Reference::new(&sorted).unwrap()
    }

    fn below(reference: &Reference, value: f64, tie: f64) -> f64 {
        reference.rank_below(reference.place(value).0, tie)
    }

    fn above(reference: &Reference, value: f64, tie: f64) -> f64 {
        reference.rank_above(reference.place(value).1, tie)
    }

    /// Intervals of rank and their probabilities, if buckets have their share of `N + 1`.
    fn intervals(reference: &Reference, fall: bool) -> Vec<(f64, f64)> {
        let mut probes = vec![f64::MIN];
        for edge in &reference.edges {
            probes.extend([edge.next_down(), *edge, edge.next_up()]);
        }
        let rank = |value: f64, tie: f64| {
            if fall { above(reference, value, tie) } else { below(reference, value, tie) }
        };
        let mut intervals: Vec<(f64, f64)> = probes
            .into_iter()
            .map(|probe| {
                let (one, two) = (rank(probe, 0.0), rank(probe, 1.0));
                (one.min(two), one.max(two))
            })
            .collect();
        intervals.sort_by(|one, two| one.0.total_cmp(&two.0));
        intervals.dedup();
        intervals
    }

    #[test]
    fn the_buckets_tile_the_unit_interval() {
        let many: Vec<f64> = (0..5_000_i32).map(|i| f64::from(i * 37 % 4_001)).collect();
        for values in [&[3.0][..], &[0.0, 0.0, 1.0], &[-2.0, -0.0, 0.0, 7.0, 7.0], &many] {
            let reference = reference(values);
            assert!(reference.edges.len() <= BUCKETS_MAX);
            assert_eq!(reference.counts.last().map(|(_, upto)| *upto), Some(reference.size));
            for fall in [false, true] {
                let mut end = 0.0;
                for (low, high) in intervals(&reference, fall) {
                    assert!((low - end).abs() < 1e-12, "{low} {end}");
                    end = high;
                }
                assert!((end - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_fall_is_a_rise_of_the_negated_values() {
        let values: Vec<f64> = (0..700_i32).map(|i| f64::from(i * i % 311)).collect();
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        let (one, two) = (reference(&values), reference(&negated));
        for value in [-1.0, 0.0, 1.0, 44.0, 44.5, 310.0, 311.0] {
            for tie in [0.0, 0.25, 1.0] {
                let difference = above(&one, value, tie) - below(&two, -value, 1.0 - tie);
                assert!(difference.abs() < 1e-12, "{value} {tie}");
            }
        }
    }

    #[test]
    fn a_value_from_the_buckets_is_worth_one() {
        // E[M_t] = t follows for independent values, as each factor enters once and linearly.
        let values: Vec<f64> = (0..2_000_i32).map(|i| f64::from(i * i % 997)).collect();
        for values in [&values[..], &[1.0, 1.0, 1.0, 2.0], &[0.0]] {
            let reference = reference(values);
            for fall in [false, true] {
                let mut sum = [0.0; BETS];
                for (low, high) in intervals(&reference, fall) {
                    for (sum, factor) in sum.iter_mut().zip(scores::mean(low, high)) {
                        *sum += (high - low) * factor;
                    }
                }
                assert!(sum.iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{sum:?}");
            }
        }
    }

    /// Over all samples of `size` of `symbols` equally likely values: the mean expectation of a
    /// factor under that distribution.
    fn expected(size: u32, symbols: u32, fall: bool) -> [f64; BETS] {
        let mut mean = [0.0; BETS];
        let samples = symbols.pow(size);
        for sample in 0..samples {
            let value = |index: u32| f64::from(sample / symbols.pow(index) % symbols);
            let reference = reference(&(0..size).map(value).collect::<Vec<_>>());
            for symbol in 0..symbols {
                let rank = |tie| {
                    let value = f64::from(symbol);
                    if fall { above(&reference, value, tie) } else { below(&reference, value, tie) }
                };
                let (one, two) = (rank(0.0), rank(1.0));
                let factors = scores::mean(one.min(two), one.max(two));
                for (mean, factor) in mean.iter_mut().zip(factors) {
                    *mean += factor / f64::from(samples * symbols);
                }
            }
        }
        mean
    }

    #[test]
    fn one_value_is_worth_at_most_one_over_all_samples() {
        for (size, symbols) in [(1, 2), (4, 2), (3, 3), (5, 3), (2, 7)] {
            for fall in [false, true] {
                let mean = expected(size, symbols, fall);
                assert!(mean.iter().all(|mean| *mean <= 1.0 + 1e-12), "{size} {symbols}: {mean:?}");
            }
        }
        // With many distinct values the distribution is nearly continuous, and nothing is lost.
        assert!(expected(2, 40, false).iter().all(|mean| *mean > 0.9));
    }

    /// Of 400 samples of uniform values, those after which some bet is worth more than 1.
    fn unlucky(size: usize, make: impl Fn(&Baseline<'_>) -> EsrNormal) -> u32 {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut unlucky = 0;
        for _ in 0..400 {
            let mut sorted: Vec<f64> = (0..size).map(|_| next()).collect();
            sorted.sort_by(f64::total_cmp);
            let detector = make(&Baseline { sorted: &sorted, ..Baseline::default() });
            let reference = &detector.reference;
            let mut worth = [[0.0; BETS]; 2];
            let mut low = 0.0;
            for edge in reference.edges.iter().chain(&[1.0]) {
                let middle = f64::midpoint(low, *edge);
                for (worth, rank) in worth.iter_mut().zip([below, above]) {
                    let (one, two) = (rank(reference, middle, 0.0), rank(reference, middle, 1.0));
                    let factors = scores::mean(one.min(two), one.max(two));
                    for (bet, worth) in worth.iter_mut().enumerate() {
                        *worth += (edge - low) * factors[bet] * detector.discounts[bet];
                    }
                }
                low = *edge;
            }
            unlucky += u32::from(worth.iter().flatten().any(|worth| *worth > 1.0));
        }
        unlucky
    }

    #[test]
    fn the_margin_covers_the_chance_of_the_sample() {
        for size in [60, 300] {
            let cautious = unlucky(size, |known| EsrNormal::cautious(known, 9.0, 0.05).unwrap());
            assert!(cautious <= 20, "{size}: {cautious} of 400");
            let plain = unlucky(size, |known| EsrNormal::new(known, 9.0).unwrap());
            assert!(plain > 200, "{size}: {plain} of 400");
        }
    }

    #[test]
    fn the_margin_solves_its_equation() {
        for (share, variance, largest) in [(0.001, 0.01, 0.4), (0.01, 1.6, 12.0), (0.2, 9.0, 70.0)]
        {
            let eps = margin(share, variance, largest);
            let right = largest * share + (2.0 * (variance + eps * eps) * share).sqrt();
            assert!((eps - right).abs() < 1e-9 * (1.0 + eps), "{eps} {right}");
        }
    }

    #[test]
    fn ties_and_bounds_of_the_sample_are_ranked() {
        let reference = reference(&[1.0, 2.0, 2.0, 3.0]);
        for (value, tie, rank) in
            [(0.0, 0.5, 0.1), (1.0, 0.5, 0.1), (2.0, 0.5, 0.4), (3.0, 0.0, 0.6), (9.0, 1.0, 1.0)]
        {
            assert!((below(&reference, value, tie) - rank).abs() < 1e-15, "{value}");
        }
        for (value, tie, rank) in
            [(0.0, 0.0, 1.0), (2.0, 0.5, 0.4), (3.0, 0.5, 0.1), (9.0, 1.0, 0.0)]
        {
            assert!((above(&reference, value, tie) - rank).abs() < 1e-15, "{value}");
        }
        let baseline = Baseline { sorted: &[1.0, 2.0, 3.0, 4.0], ..Baseline::default() };
        let mut detector = EsrNormal::new(&baseline, 100.0).unwrap();
        let value = Observation { value: Finite::new(9.0).unwrap(), tie: Unit::HALF };
        let found = (0..50).position(|_| detector.update(value) == Signal::Drift);
        assert!(found.is_some_and(|steps| steps < 8), "{found:?}");
        assert_eq!((detector.reference_count(), detector.threshold()), (4, 100.0));
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let make = |sorted: &[f64]| {
            EsrNormal::new(&Baseline { sorted, ..Baseline::default() }, 10.0).map(|_| ())
        };
        assert_eq!(make(&[]), Err(NullError::Missing("sorted")));
        assert_eq!(make(&[2.0, 1.0]), Err(NullError::Malformed("sorted")));
        assert_eq!(make(&[f64::NAN]), Err(NullError::Malformed("sorted")));
        let baseline = Baseline { sorted: &[1.0; 30], ..Baseline::default() };
        assert_eq!(EsrNormal::new(&baseline, 0.0), Err(NullError::Threshold(0.0)));
        assert_eq!(EsrNormal::cautious(&baseline, 9.0, 1.0), Err(NullError::Miss(1.0)));
        assert!(EsrNormal::cautious(&baseline, 9.0, 0.05).is_ok());
        let baseline = Baseline { sorted: &[1.0; 9], ..Baseline::default() };
        let few = EsrNormal::cautious(&baseline, 9.0, 0.05);
        assert_eq!(few, Err(NullError::TooSmall("sorted")));
    }
}
