//! DDSketch: quantiles within 1 % of their value, from counts in buckets of growing width.
//!
//! Masson, Rim, Lee: *DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees*, VLDB 2019. The logarithm that places a value is the quadratic interpolation
//! between powers of two; it uses the bits of the number and `+ - * / sqrt` only, so that every
//! machine fills the same buckets. It needs 8 % more of them than the exact logarithm.
//!
//! **Bound.** At most [`BUCKETS_MAX`] buckets are kept. When a value would need one more, the
//! lowest two are merged: low quantiles lose their guarantee, high ones keep it. 2,048 buckets
//! span 16 decades, from a microsecond to centuries of milliseconds.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;

/// Relative error of a quantile.
pub const RELATIVE_ERROR: f64 = 0.01;

/// Buckets kept.
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
    /// Takes a number; `false`, and nothing else, if it is negative.
    pub fn insert(&mut self, value: Finite) -> bool {
        match Self::place(value) {
            None => return false,
            Some(None) => self.zeros = self.zeros.saturating_add(1),
            Some(Some(bucket)) => {
                self.add(bucket, 1);
                self.collapse();
            }
        }
        true
    }

    /// Where a value goes: `None` for a negative one, which goes nowhere, `Some(None)` for what
    /// counts as zero, else its bucket.
    #[expect(clippy::option_option, reason = "nowhere and zero are two different answers")]
    pub(crate) fn place(value: Finite) -> Option<Option<i32>> {
        let value = value.value();
        (value >= 0.0).then(|| (value >= ZERO_BELOW).then(|| bucket_of(value)))
    }

    /// A sketch of these counts; buckets ascending and counts above 0.
    pub(crate) const fn of(zeros: u64, buckets: Vec<(i32, u64)>) -> Self {
        Self { zeros, buckets }
    }

    /// Numbers that count as zero.
    pub(crate) const fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Buckets and their counts, ascending.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        self.buckets.iter().copied()
    }

    /// Takes everything that another sketch has taken.
    pub fn merge(&mut self, other: &Self) {
        self.zeros = self.zeros.saturating_add(other.zeros);
        for (bucket, count) in &other.buckets {
            self.add(*bucket, *count);
        }
        self.collapse();
    }

    fn add(&mut self, bucket: i32, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => {
                if let Some((_, known)) = self.buckets.get_mut(at) {
                    *known = known.saturating_add(count);
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
                *lowest = lowest.saturating_add(merged);
            }
        }
    }

    /// Numbers taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum::<u64>().saturating_add(self.zeros)
    }

    /// The smallest taken number that at least the fraction `quantile` of them do not exceed
    /// (numpy's `inverted_cdf`), within [`RELATIVE_ERROR`] of its value. `None` when nothing was
    /// taken or `quantile` is not in `[0, 1]`.
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
            below = below.saturating_add(*count);
            if rank <= below {
                return Some(value_of(*bucket));
            }
        }
        None
    }
}

/// Numbers that a sketch no longer tells apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    /// The bucket; `None` for what counts as zero.
    pub(crate) bucket: Option<i32>,
    /// The number that stands for all of them.
    pub(crate) value: f64,
    /// How far from it they are at most.
    pub(crate) slack: f64,
    pub(crate) count: u64,
}

impl DdSketch {
    /// The lowest bucket, if lower numbers may have been merged into it.
    pub(crate) fn merged_below(&self) -> Option<i32> {
        let full = self.buckets.len() >= BUCKETS_MAX;
        self.buckets.first().filter(|_| full).map(|(bucket, _)| *bucket)
    }

    /// All numbers taken, ascending; what is below the bucket `floor` counts as in it.
    pub(crate) fn cells(&self, floor: Option<i32>) -> impl Iterator<Item = Cell> {
        let zeros = Cell { bucket: None, value: 0.0, slack: ZERO_BELOW, count: self.zeros };
        let cells = self.buckets.iter().map(move |(bucket, count)| {
            let bucket = floor.map_or(*bucket, |floor| floor.max(*bucket));
            let value = value_of(bucket);
            let slack = if floor == Some(bucket) {
                value
            } else {
                value * (RELATIVE_ERROR / (1.0 - RELATIVE_ERROR))
            };
            Cell { bucket: Some(bucket), value, slack, count: *count }
        });
        std::iter::once(zeros).chain(cells)
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

/// The number that is within the relative error of everything in the bucket.
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
