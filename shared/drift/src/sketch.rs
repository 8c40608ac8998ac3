//! DDSketch: quantiles within 1 % of their value, from counts in buckets of growing width.
//!
//! Masson, Rim, Lee: *DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees*, VLDB 2019. The bucket of a value is computed with a logarithm that interpolates
//! quadratically between powers of two; it uses only the bits of the number and `+ - * / sqrt`, so
//! that every machine fills the same buckets. It needs 8 % more of them than the exact logarithm.
//!
//! **Bound.** There are at most [`BUCKETS_MAX`] buckets. When a value would need one more, the
//! lowest two are merged: low quantiles lose their guarantee, high ones keep it. 2,048 buckets span
//! 16 decades.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;

/// Relative error of a quantile.
pub const RELATIVE_ERROR: f64 = 0.01;

/// Largest number of buckets.
pub const BUCKETS_MAX: usize = 2_048;

/// Values below this count as zero.
pub const ZERO_BELOW: f64 = 1e-9;

/// Buckets per unit of the interpolated logarithm: `3 / (4 ln(gamma))` with
/// `gamma = 1.01 / 0.99`, rounded up, which makes buckets narrower.
const PER_OCTAVE: f64 = 37.498_75;

/// Mantissa bits of a float.
const MANTISSA: u64 = (1 << 52) - 1;

/// Quantile sketch of numbers that are not negative.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DdSketch {
    zeros: u64,
    /// Bucket and count, in ascending order of buckets.
    buckets: Vec<(i32, u64)>,
}

impl DdSketch {
    /// Takes a number. Returns `false` for a negative number, which is not counted.
    pub fn insert(&mut self, value: Finite) -> bool {
        match Self::place(value) {
            None => return false,
            Some(None) => self.zeros += 1,
            Some(Some(bucket)) => {
                self.add(bucket, 1);
                self.collapse();
            }
        }
        true
    }

    /// Bucket of a value: `None` for a negative one, which is not counted, `Some(None)` for one
    /// that counts as zero.
    #[expect(clippy::option_option, reason = "not counted and zero are different answers")]
    pub(crate) fn place(value: Finite) -> Option<Option<i32>> {
        let value = value.value();
        (value >= 0.0).then(|| (value >= ZERO_BELOW).then(|| bucket_of(value)))
    }

    /// A sketch with these counts; buckets are ascending and counts above 0.
    pub(crate) const fn of(zeros: u64, buckets: Vec<(i32, u64)>) -> Self {
        Self { zeros, buckets }
    }

    /// Count of numbers that count as zero.
    pub(crate) const fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Buckets and their counts, ascending.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        self.buckets.iter().copied()
    }

    /// Adds the counts of another sketch.
    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        for (bucket, count) in &other.buckets {
            self.add(*bucket, *count);
        }
        self.collapse();
    }

    fn add(&mut self, bucket: i32, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => {
                if let Some((_, known)) = self.buckets.get_mut(at) {
                    *known += count;
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }

    fn collapse(&mut self) {
        let excess = self.buckets.len().saturating_sub(BUCKETS_MAX);
        if excess > 0 {
            let merged: u64 = self.buckets.drain(..excess).map(|(_, count)| count).sum();
            if let Some((_, lowest)) = self.buckets.first_mut() {
                *lowest += merged;
            }
        }
    }

    /// Number of numbers taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum::<u64>() + self.zeros
    }

    /// The smallest number taken that at least the fraction `quantile` of them do not exceed
    /// (numpy's `inverted_cdf`), with a relative error of at most [`RELATIVE_ERROR`]. `None` if the
    /// sketch is empty or `quantile` is not in `[0, 1]`.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 || !(0.0..=1.0).contains(&quantile) {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are far below 2^53, and the product is not negative"
        )]
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
        let mut below = self.zeros;
        if rank <= below {
            return Some(0.0);
        }
        for (bucket, count) in &self.buckets {
            below += count;
            if rank <= below {
                return Some(value_of(*bucket));
            }
        }
        unreachable!("rank {rank} of {count}")
    }
}

/// The numbers of one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    /// Its index; `None` for numbers that count as zero.
    pub(crate) index: Option<i32>,
    /// The value that represents them.
    pub(crate) value: f64,
    /// Their largest distance from it.
    pub(crate) slack: f64,
    pub(crate) count: u64,
}

impl DdSketch {
    /// The lowest bucket, if it may contain lower numbers by merging.
    pub(crate) fn merged_below(&self) -> Option<i32> {
        let full = self.buckets.len() >= BUCKETS_MAX;
        self.buckets.first().filter(|_| full).map(|(bucket, _)| *bucket)
    }

    /// All numbers taken, ascending; those below the bucket `floor` are counted in it.
    pub(crate) fn values(&self, floor: Option<i32>) -> impl Iterator<Item = Bucket> {
        let zeros = Bucket { index: None, value: 0.0, slack: ZERO_BELOW, count: self.zeros };
        let others = self.buckets.iter().map(move |(index, count)| {
            let index = floor.map_or(*index, |floor| floor.max(*index));
            let value = value_of(index);
            let slack = if floor == Some(index) {
                value
            } else {
                value * (RELATIVE_ERROR / (1.0 - RELATIVE_ERROR))
            };
            Bucket { index: Some(index), value, slack, count: *count }
        });
        std::iter::once(zeros).chain(others)
    }
}

/// The bucket of a number of at least [`ZERO_BELOW`].
fn bucket_of(value: f64) -> i32 {
    let bits = value.to_bits();
    let mantissa = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits()) - 1.0;
    let exponent = f64::from((bits >> 52) as u32) - 1_023.0;
    let logarithm = exponent + mantissa * (4.0 - mantissa) / 3.0;
    #[expect(clippy::cast_possible_truncation, reason = "at most 1,024 times 38")]
    let bucket = (logarithm * PER_OCTAVE).floor() as i32;
    bucket
}

/// The value that is within the relative error of every number in the bucket.
fn value_of(bucket: i32) -> f64 {
    let low = power_of(f64::from(bucket) / PER_OCTAVE);
    let high = power_of((f64::from(bucket) + 1.0) / PER_OCTAVE);
    low * (high / (0.5 * low + 0.5 * high))
}

/// Inverse of the interpolated logarithm.
fn power_of(logarithm: f64) -> f64 {
    let exponent = logarithm.floor();
    let mantissa = 2.0 - (4.0 - 3.0 * (logarithm - exponent)).sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the exponents of normal numbers"
    )]
    let biased = (exponent + 1_023.0).clamp(1.0, 2_046.0) as u64;
    (1.0 + mantissa) * f64::from_bits(biased << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[f64]) -> DdSketch {
        let mut sketch = DdSketch::default();
        for value in values {
            assert!(sketch.insert(Finite::new(*value).unwrap()));
        }
        sketch
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_one_percent(
            logs in prop::collection::vec(-15.0_f64..30.0, 1..200), quantile in 0.0_f64..=1.0,
        ) {
            let mut values: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
            let estimate = sketch(&values).quantile(quantile).unwrap();
            values.sort_by(f64::total_cmp);
            let needed = quantile * values.len() as f64;
            let rank = (1..=values.len()).find(|rank| *rank as f64 >= needed).unwrap();
            let exact = values[rank - 1];
            prop_assert!((estimate - exact).abs() <= RELATIVE_ERROR * exact * (1.0 + 1e-12));
        }

        #[test]
        fn merging_in_any_order_equals_the_union(
            mut values in prop::collection::vec(0.0_f64..1e12, 0..100), cut in 0_usize..100,
        ) {
            let cut = cut.min(values.len());
            let mut merged = sketch(&values[cut..]);
            merged.merge(&sketch(&values[..cut]));
            values.reverse();
            prop_assert_eq!(merged, sketch(&values));
        }
    }

    #[test]
    fn every_bucket_holds_its_own_value() {
        for bucket in -1_100..12_000 {
            assert_eq!(bucket_of(value_of(bucket)), bucket);
        }
    }

    #[test]
    fn too_many_buckets_lose_the_lowest_and_any_order_loses_the_same() {
        let values: Vec<f64> = (0..3_000).map(|i| value_of(i - 1_000)).collect();
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        let full = sketch(&values);
        assert_eq!(full.buckets.len(), BUCKETS_MAX);
        assert_eq!(full, sketch(&reversed));
        assert_eq!((full.count(), full.quantile(1.0)), (3_000, Some(value_of(1_999))));
    }

    #[test]
    fn extremes_are_counted_and_negatives_are_not() {
        let mut sketch = sketch(&[0.0, 1e-300, f64::MAX, 5.0]);
        assert!(!sketch.insert(Finite::new(-1.0).unwrap()));
        assert_eq!((sketch.count(), sketch.quantile(0.5)), (4, Some(0.0)));
        assert!(sketch.quantile(1.0).is_some_and(f64::is_finite));
        assert_eq!((sketch.quantile(1.1), DdSketch::default().quantile(0.5)), (None, None));
    }
}
