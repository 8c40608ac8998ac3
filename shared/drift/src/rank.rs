//! The rank of a value among earlier ones: the share of them that it exceeds, ties counted half.
//!
//! The earlier values come from a quantile sketch, so values within 1 % of each other tie. That
//! does not affect validity: two values of the same distribution, placed in the same buckets, still
//! have the same distribution. (Beyond 2,048 buckets the sketch merges its lowest; values in that
//! range get ranks that are too low.)
//!
//! **Mean rank.** If a new value has the distribution that the `n` earlier ones were drawn from,
//! then, over both, its rank has mean one half. For given earlier values the mean is that of `n`
//! independent uniform numbers (less spread where there are ties), so it exceeds `1/2 + t` with
//! probability at most `exp(-6 n t^2)`: a uniform number is sub-Gaussian with variance `1/12`
//! (Marchal, Arbel: *On the sub-Gaussianity of the Beta and Dirichlet distributions*, 2017).
//! [`Ranks::slack`] is that `t`; with it a bounded-mean test of ranks accounts for the luck of its
//! baseline.

use serde::{Deserialize, Serialize};

use crate::finite::{Finite, Unit};
use crate::sketch::DdSketch;

/// `ln(20)`: one baseline in twenty may be unluckier than the slack allows.
const LN_20: f64 = 2.995_732_273_553_991;

/// Ranks among the values of a sketch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    count: u64,
    /// Rank of values that count as zero.
    zero: f64,
    /// Bucket, and the rank of its values, ascending.
    buckets: Vec<(i32, f64)>,
    /// For each bucket, and for the end, the rank of a value just below it.
    below: Vec<f64>,
}

impl Ranks {
    /// Ranks among the values of a sketch; `None` if it is empty.
    #[must_use]
    pub fn new(sketch: &DdSketch) -> Option<Self> {
        let count = sketch.count();
        if count == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let share = |number: u64| number as f64 / count as f64;
        let zeros = sketch.zeros();
        let mut less = zeros;
        let (mut buckets, mut below) = (Vec::new(), vec![share(zeros)]);
        for (bucket, number) in sketch.buckets() {
            let with = less + number;
            buckets.push((bucket, f64::midpoint(share(less), share(with))));
            below.push(share(with));
            less = with;
        }
        Some(Self { count, zero: share(zeros) / 2.0, buckets, below })
    }

    /// Number of earlier values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The sketch that the ranks were made from.
    #[must_use]
    pub fn sketch(&self) -> DdSketch {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count, times it, is a count far below 2^53"
        )]
        let number = |share: f64| (share * self.count as f64).round() as u64;
        let mut below = self.below.iter().copied();
        let Some(first) = below.next() else { unreachable!("ranks without an end") };
        let zeros = number(first);
        let mut less = zeros;
        let buckets = self.buckets.iter().zip(below).map(|((bucket, _), below)| {
            let with = number(below);
            let in_it = with - less;
            less = with;
            (*bucket, in_it)
        });
        DdSketch::of(zeros, buckets.collect())
    }

    /// Rank of a value, from 0 to 1; `None` for a negative one.
    #[must_use]
    pub fn rank(&self, value: Finite) -> Option<Unit> {
        let rank = DdSketch::place(value)?.map_or(self.zero, |bucket| self.rank_of(bucket));
        let Some(rank) = Unit::new(rank) else { unreachable!("a rank of {rank}") };
        Some(rank)
    }

    /// Mean rank of the values of a sketch; `None` if it is empty.
    #[must_use]
    pub fn mean(&self, sketch: &DdSketch) -> Option<f64> {
        let count = sketch.count();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let sum = sketch.buckets().fold(self.zero * sketch.zeros() as f64, |sum, (bucket, n)| {
            sum + self.rank_of(bucket) * n as f64
        });
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        (count > 0).then(|| sum / count as f64)
    }

    fn rank_of(&self, bucket: i32) -> f64 {
        let rank = match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets.get(at).map(|(_, rank)| *rank),
            Err(at) => self.below.get(at).copied(),
        };
        let Some(rank) = rank else { unreachable!("a bucket without a rank") };
        rank
    }

    /// How far the mean rank of unchanged values may lie from one half because of the luck of the
    /// baseline (95 %, one-sided).
    #[must_use]
    pub fn slack(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let n = self.count as f64;
        (LN_20 / (6.0 * n)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finite(value: f64) -> Finite {
        Finite::new(value).unwrap()
    }

    fn ranks(values: &[f64]) -> Ranks {
        let mut sketch = DdSketch::default();
        for value in values {
            assert!(sketch.insert(finite(*value)));
        }
        Ranks::new(&sketch).unwrap()
    }

    proptest! {
        #[test]
        fn ranks_give_their_sketch_back(values in prop::collection::vec(0.0_f64..1e6, 1..300)) {
            let mut sketch = DdSketch::default();
            for value in &values {
                // A third of them count as zero.
                sketch.insert(finite(if *value < 3e5 { 0.0 } else { *value }));
            }
            prop_assert_eq!(Ranks::new(&sketch).unwrap().sketch(), sketch);
        }

        #[test]
        fn a_rank_counts_what_is_less_and_half_of_what_is_equal(
            values in prop::collection::vec(0_u8..20, 1..60), value in 0_u8..20,
        ) {
            // Powers of two are buckets apart; 0 counts as zero.
            let number = |n: u8| if n == 0 { 0.0 } else { f64::from(1_u32 << n) };
            let all: Vec<f64> = values.iter().map(|n| number(*n)).collect();
            let at = number(value);
            let less = all.iter().filter(|v| **v < at).count() as f64;
            let equal = all.iter().filter(|v| (**v - at).abs() < 0.5).count() as f64;
            let expected = (less + equal / 2.0) / all.len() as f64;
            let found = ranks(&all).rank(finite(at)).unwrap().value();
            prop_assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn the_mean_rank_of_the_baseline_itself_is_one_half() {
        let values: Vec<f64> = (1..500).map(|n| f64::from(n * n)).collect();
        let ranks = ranks(&values);
        let sum: f64 = values.iter().map(|v| ranks.rank(finite(*v)).unwrap().value()).sum();
        assert!((sum / values.len() as f64 - 0.5).abs() < 1e-12);
        let mut same = DdSketch::default();
        assert_eq!(ranks.mean(&same), None);
        assert!(values.iter().all(|value| same.insert(finite(*value))));
        assert!((ranks.mean(&same).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(ranks.rank(finite(-1.0)), None);
        assert_eq!(ranks.rank(finite(1e9)).map(Unit::value), Some(1.0));
    }

    #[test]
    fn the_slack_covers_nineteen_of_twenty_baselines() {
        // Mean of n uniform numbers, by simulation.
        let mut state = 1_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for n in [10_u32, 100] {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            let slack = ranks(&values).slack();
            let runs = 4_000;
            let above = (0..runs)
                .filter(|_| {
                    let mean = (0..n).map(|_| uniform()).sum::<f64>() / f64::from(n);
                    mean > 0.5 + slack
                })
                .count();
            // 5 % is the bound; the exact share is some 1 % (the bound is Chernoff's).
            assert!(above as f64 / f64::from(runs) < 0.05, "{n}: {above}");
            assert!(above > 0, "{n}: the slack is not absurdly wide");
        }
    }
}
