//! Counts of numbers in sixteen buckets per octave: small enough to keep one for each hour of four
//! weeks.
//!
//! A bucket is the sign, the exponent and the first four bits of the mantissa of a number, so every
//! machine fills the same buckets; the middle of a bucket is within 3.1 % of every number in it.
//! Numbers in one bucket tie, which does not affect the validity of ranks (see `drift::rank`).
//! Beyond [`BUCKETS_MAX`] buckets the lowest are merged.

use std::cmp::Ordering;

use drift::Finite;
use serde::{Deserialize, Serialize};

/// Largest number of buckets: sixteen octaves.
const BUCKETS_MAX: usize = 256;
/// Number of low bits of a number that do not affect its bucket.
const REST: u32 = 48;

/// Counts of numbers that are not negative.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Coarse {
    /// Bucket and count, in ascending order of buckets.
    buckets: Vec<(u16, u32)>,
}

/// The bucket of a number; a negative one counts as zero.
fn bucket_of(value: Finite) -> u16 {
    let Ok(bucket) = u16::try_from(value.value().max(0.0).to_bits() >> REST) else {
        unreachable!("64 bits less {REST} fit into 16")
    };
    bucket
}

/// The middle of a bucket.
fn value_of(bucket: u16) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    f64::from_bits(u64::from(bucket) << REST | 1 << (REST - 1))
}

impl Coarse {
    pub(super) fn add(&mut self, value: Finite) {
        self.add_many(bucket_of(value), 1);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            self.add_many(*bucket, *count);
        }
    }

    fn add_many(&mut self, bucket: u16, count: u32) {
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => {
                if let Some((_, known)) = self.buckets.get_mut(at) {
                    *known += count;
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
        if self.buckets.len() > BUCKETS_MAX {
            let (_, lowest) = self.buckets.remove(0);
            if let Some((_, next)) = self.buckets.first_mut() {
                *next += lowest;
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The rank of a number among all of these, itself included: the share that it exceeds, ties
    /// counted half. If each of them is equally likely to be the latest, its mean is one half.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn rank_with(&self, others: Option<&Self>, value: Finite) -> f64 {
        let own = bucket_of(value);
        let (mut less, mut equal, mut all) = (0_u64, 1_u64, 1_u64);
        let others = others.into_iter().flat_map(|others| &others.buckets);
        for (bucket, count) in self.buckets.iter().chain(others) {
            let count = u64::from(*count);
            all += count;
            match bucket.cmp(&own) {
                Ordering::Less => less += count,
                Ordering::Equal => equal += count,
                Ordering::Greater => {}
            }
        }
        (less as f64 + equal as f64 / 2.0) / all as f64
    }

    /// The middle of the bucket that contains the median; `None` without numbers.
    pub(super) fn median(&self) -> Option<f64> {
        let half = self.count().div_ceil(2).max(1);
        let mut below = 0_u64;
        for (bucket, count) in &self.buckets {
            below += u64::from(*count);
            if below >= half {
                return Some(value_of(*bucket));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finite(value: f64) -> Finite {
        Finite::new(value).unwrap()
    }

    fn coarse(values: &[f64]) -> Coarse {
        let mut coarse = Coarse::default();
        values.iter().for_each(|value| coarse.add(finite(*value)));
        coarse
    }

    proptest! {
        #[test]
        fn the_median_is_near_and_any_order_gives_the_same(
            logs in prop::collection::vec(-3.0_f64..7.0, 1..100), cut in 0_usize..100,
        ) {
            let mut values: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
            let whole = coarse(&values);
            let cut = cut.min(values.len());
            let mut merged = coarse(&values[cut..]);
            merged.merge(&coarse(&values[..cut]));
            prop_assert_eq!(&merged, &whole);
            values.sort_by(f64::total_cmp);
            let exact = values[values.len().div_ceil(2) - 1];
            let median = whole.median().unwrap();
            prop_assert!((median - exact).abs() <= 0.032 * exact, "{median} {exact}");
        }
    }

    #[test]
    fn a_rank_counts_what_is_less_and_half_of_what_is_equal() {
        let (some, others) = (coarse(&[0.0, -0.0, 1.0, 2.0]), coarse(&[2.0, 4.0, 8.0]));
        let rank = |value: f64| some.rank_with(Some(&others), finite(value)) * 8.0;
        for (value, expected) in [(0.0, 1.5), (1.0, 3.0), (2.0, 4.5), (1e9, 7.5)] {
            assert!((rank(value) - expected).abs() < 1e-12, "{value}");
        }
        assert!((Coarse::default().rank_with(None, finite(1.0)) - 0.5).abs() < 1e-12);
        assert_eq!((some.count(), Coarse::default().median(), value_of(0)), (4, None, 0.0));
    }

    #[test]
    fn buckets_are_bounded() {
        let many: Vec<f64> = (0..60).map(|n| 2.0_f64.powi(n)).collect();
        let mut coarse = coarse(&many);
        for n in 0..600_u32 {
            coarse.add(finite(1.1_f64.powi(i32::try_from(n).unwrap())));
        }
        assert!(coarse.buckets.len() <= BUCKETS_MAX);
        assert_eq!(coarse.count(), 660);
    }
}
