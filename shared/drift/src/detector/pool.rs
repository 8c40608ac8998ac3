//! Order statistics in bounded memory: how many of the values so far lie below a given one.
//!
//! Values are counted in at most [`BUCKETS_MAX`] buckets. The bucket of a value is its bit pattern
//! without the lowest bits, of which one more is cut off whenever there are too many buckets
//! (uniform collapse, as in Epicoco et al.: *UDDSketch*, IEEE Access 2020). A Fenwick tree (1994)
//! sums the counts below a bucket.
//!
//! **Promise.** The state is a function of which values came, not of their order. Up to
//! [`BUCKETS_MAX`] distinct values are counted exactly; with more, buckets stay about as narrow as
//! their number allows, and an outlier takes a single bucket. A value costs logarithmic time once
//! its bucket exists.
//!
//! It never forgets, and it has no quantiles; for those see [`crate::sketch`].

use serde::{Deserialize, Serialize};

/// Largest number of buckets.
const BUCKETS_MAX: usize = 256;

/// A multiset of values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(crate) struct Pool {
    /// Number of low bits that are cut off.
    shift: u32,
    /// Buckets with values, ascending.
    keys: Vec<i64>,
    counts: Vec<u64>,
    /// Sums of counts (Fenwick 1994): element `i` holds those of the `i + 1 & -(i + 1)` buckets
    /// that end with bucket `i`.
    sums: Vec<u64>,
    total: u64,
}

/// The part of a pool from which the rest is derived.
#[derive(Serialize, Deserialize)]
struct Saved {
    shift: u32,
    buckets: Vec<(i64, u64)>,
}

impl From<Pool> for Saved {
    fn from(pool: Pool) -> Self {
        let buckets = pool.keys.into_iter().zip(pool.counts).collect();
        Self { shift: pool.shift, buckets }
    }
}

impl TryFrom<Saved> for Pool {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        let (keys, counts): (Vec<i64>, Vec<u64>) = saved.buckets.into_iter().unzip();
        if !keys.is_sorted_by(|one, next| one < next) || keys.len() > BUCKETS_MAX {
            return Err("`buckets` are not ascending and few");
        }
        if saved.shift >= i64::BITS {
            return Err("`shift` is more than all bits");
        }
        let mut total: u64 = 0;
        for count in &counts {
            total = total.checked_add(*count).ok_or("`buckets` count too many values")?;
        }
        let mut pool = Self { shift: saved.shift, keys, counts, sums: Vec::new(), total };
        pool.sum();
        Ok(pool)
    }
}

/// An integer that is ordered like the float.
const fn ordered(value: f64) -> i64 {
    // Adding zero turns the negative zero into the positive one.
    let bits = (value + 0.0).to_bits();
    let magnitude = (bits & (u64::MAX >> 1)).cast_signed();
    if bits >> 63 == 1 { -magnitude } else { magnitude }
}

/// Number of buckets that element `index` of the sums covers.
const fn span(index: usize) -> usize {
    let place = index + 1;
    place & place.wrapping_neg()
}

impl Pool {
    /// Values taken.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Takes a value several times. Returns the numbers of values below its bucket, and in it.
    #[inline]
    pub(crate) fn insert(&mut self, value: f64, times: u64) -> (u64, u64) {
        let key = ordered(value);
        let mut place = self.keys.binary_search(&(key >> self.shift));
        if let Err(at) = place {
            self.keys.insert(at, key >> self.shift);
            self.counts.insert(at, 0);
            while self.keys.len() > BUCKETS_MAX {
                self.coarsen();
            }
            self.sum();
            place = self.keys.binary_search(&(key >> self.shift));
        }
        let Ok(at) = place else { unreachable!("the bucket was inserted") };
        self.total += times;
        let mut index = at;
        while let Some(sum) = self.sums.get_mut(index) {
            *sum += times;
            index += span(index);
        }
        let Some(equal) = self.counts.get_mut(at) else { unreachable!("a bucket without a count") };
        *equal += times;
        let equal = *equal;
        let (mut below, mut end) = (0, at);
        while let Some(last) = end.checked_sub(1) {
            let Some(sum) = self.sums.get(last) else { unreachable!("a bucket without a sum") };
            below += sum;
            end -= span(last);
        }
        (below, equal)
    }

    /// Cuts off one more bit, and merges buckets that become equal.
    fn coarsen(&mut self) {
        self.shift += 1;
        let mut merged: Vec<(i64, u64)> = Vec::with_capacity(self.keys.len());
        for (key, count) in self.keys.iter().zip(&self.counts) {
            match merged.last_mut() {
                Some((last, known)) if *last == key >> 1 => *known += count,
                Some(_) | None => merged.push((key >> 1, *count)),
            }
        }
        (self.keys, self.counts) = merged.into_iter().unzip();
    }

    /// Computes the sums from the counts.
    fn sum(&mut self) {
        self.sums.clone_from(&self.counts);
        for index in 0..self.sums.len() {
            let Some(&known) = self.sums.get(index) else { unreachable!("an index in range") };
            if let Some(next) = self.sums.get_mut(index + span(index)) {
                *next += known;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_pool_does_not_remember_the_order(
            values in prop::collection::vec(prop_oneof![
                any::<f64>().prop_filter("finite", |value| value.is_finite()),
                (-400_i16..400).prop_map(|value| f64::from(value) / 8.0),
            ], 1..2_000), turn in any::<prop::sample::Index>(),
        ) {
            let (mut one, mut two) = (Pool::default(), Pool::default());
            let mut turned = values.clone();
            turned.rotate_left(turn.index(values.len()));
            turned.reverse();
            for (value, other) in values.iter().zip(&turned) {
                one.insert(*value, 1);
                two.insert(*other, 1);
                prop_assert!(one.keys.len() <= BUCKETS_MAX);
            }
            prop_assert_eq!(&one, &two);
            prop_assert_eq!(one.counts.iter().sum::<u64>(), values.len() as u64);
            let saved = postcard::to_stdvec(&one).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Pool>(&saved).unwrap(), one);
        }

        #[test]
        fn ranks_are_those_of_counting(values in prop::collection::vec(-300_i16..300, 1..700)) {
            let mut pool = Pool::default();
            for (index, value) in values.iter().enumerate() {
                let (below, equal) = pool.insert(f64::from(*value), 1);
                if pool.shift == 0 {
                    let seen = &values[..=index];
                    let count = |which: fn(&i16, &i16) -> bool| {
                        seen.iter().filter(|other| which(other, value)).count() as u64
                    };
                    prop_assert_eq!((below, equal), (count(|o, v| o < v), count(|o, v| o == v)));
                }
            }
        }

        #[test]
        fn the_whole_number_is_ordered_as_the_float(one in any::<f64>(), two in any::<f64>()) {
            prop_assume!(one.is_finite() && two.is_finite());
            prop_assert_eq!(one.partial_cmp(&two), Some(ordered(one).cmp(&ordered(two))));
            prop_assert_eq!(ordered(0.0), ordered(-0.0));
        }
    }

    #[test]
    fn an_outlier_takes_one_bucket() {
        let mut pool = Pool::default();
        for index in 0..20_000_u32 {
            pool.insert(1_000.0 + f64::from(index.wrapping_mul(2_654_435_761) >> 12) / 1e6, 1);
        }
        let before = pool.shift;
        pool.insert(f64::MAX, 1);
        pool.insert(-1e300, 1);
        assert!(pool.shift <= before + 1);
        assert!(pool.keys.len() > BUCKETS_MAX / 4, "{}", pool.keys.len());
    }

    #[test]
    fn a_pool_that_was_tampered_with_is_refused() {
        let parse = |text: &str| serde_json::from_str::<Pool>(text).map(|_| ());
        assert!(parse(r#"{"shift":0,"buckets":[[1,1],[2,5]]}"#).is_ok());
        assert!(parse(r#"{"shift":0,"buckets":[[2,1],[1,5]]}"#).is_err());
        assert!(parse(r#"{"shift":64,"buckets":[]}"#).is_err());
    }
}
