//! Two samples pooled in ascending order: the input of every distance between values.
//!
//! From values it is exact. From sketches the values of a bucket become a single one; how far they
//! may lie from it is kept as *slack*. Where one sketch has merged its lowest buckets, those of the
//! other are merged too, so that the counts on both sides of every boundary stay exact.

use std::cmp::Ordering;

use super::comparison::{DistanceError, float};
use super::table::Table;
use crate::sketch::{self, DdSketch};

/// Larger values are refused, so that their squares stay finite.
const VALUE_MAX: f64 = 1e100;

/// A value, and how often it occurs in each sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Atom {
    pub(crate) value: f64,
    /// Largest distance from `value`, where it stands for the values of a bucket.
    pub(crate) slack: f64,
    pub(crate) reference: u64,
    pub(crate) current: u64,
}

/// Two samples, pooled in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    atoms: Vec<Atom>,
    reference: u64,
    current: u64,
    sketched: bool,
}

impl Pooled {
    /// Pools two samples, in any order.
    ///
    /// # Errors
    ///
    /// A sample that is empty, or has a value that is not a number within ±1e100.
    pub fn from_samples(reference: &[f64], current: &[f64]) -> Result<Self, DistanceError> {
        let sides = [("reference", reference), ("current", current)];
        for (name, values) in sides {
            if values.is_empty() {
                return Err(DistanceError::Empty(name));
            }
            if !values.iter().all(|value| value.abs() <= VALUE_MAX) {
                return Err(DistanceError::Value(name));
            }
        }
        let atom = |value, reference, current| Atom { value, slack: 0.0, reference, current };
        let one = sorted(reference).into_iter().map(|value| atom(value, 1, 0));
        let two = sorted(current).into_iter().map(|value| atom(value, 0, 1));
        // Values are numbers, so not in total order only where a zero is negative; zeros are equal.
        let order = |one: &Atom, two: &Atom| (one.value + 0.0).total_cmp(&(two.value + 0.0));
        Self::pool(merged(one, two, order), false)
    }

    /// Pools two sketches.
    ///
    /// # Errors
    ///
    /// An empty sketch.
    pub fn from_sketches(reference: &DdSketch, current: &DdSketch) -> Result<Self, DistanceError> {
        let floor = reference.merged_below().max(current.merged_below());
        let atom = |from: sketch::Bucket, reference, current| {
            (from.index, Atom { value: from.value, slack: from.slack, reference, current })
        };
        let one = reference.values(floor).map(|from| atom(from, from.count, 0));
        let two = current.values(floor).map(|from| atom(from, 0, from.count));
        let atoms = merged(one, two, |(one, _), (two, _)| one.cmp(two));
        Self::pool(atoms.map(|(_, atom)| atom), true)
    }

    /// Merges neighbours of the same value.
    fn pool(atoms: impl Iterator<Item = Atom>, sketched: bool) -> Result<Self, DistanceError> {
        let mut pooled = Self { atoms: Vec::new(), reference: 0, current: 0, sketched };
        for atom in atoms.filter(|atom| atom.reference > 0 || atom.current > 0) {
            pooled.reference += atom.reference;
            pooled.current += atom.current;
            match pooled.atoms.last_mut() {
                Some(last) if last.value >= atom.value => {
                    last.reference += atom.reference;
                    last.current += atom.current;
                }
                Some(_) | None => pooled.atoms.push(atom),
            }
        }
        if pooled.reference == 0 {
            return Err(DistanceError::Empty("reference"));
        }
        if pooled.current == 0 {
            return Err(DistanceError::Empty("current"));
        }
        Ok(pooled)
    }

    /// Values of the reference, and of the current sample.
    #[must_use]
    pub const fn counts(&self) -> (u64, u64) {
        (self.reference, self.current)
    }

    /// Whether it comes from sketches.
    #[must_use]
    pub const fn sketched(&self) -> bool {
        self.sketched
    }

    /// Counts in bins between quantiles of the reference (numpy's `inverted_cdf`): at most `bins`,
    /// fewer where quantiles coincide. The first and the last are open, so that every value of the
    /// current sample falls into one. For sketches the boundaries are those of buckets, and the
    /// counts are exact.
    #[must_use]
    pub fn table(&self, bins: usize) -> Table {
        let bins = bins as u128;
        let (mut reference, mut current) = (Vec::new(), Vec::new());
        let (mut bin, mut below, mut quantile) = ((0_u64, 0_u64), 0_u128, 1_u128);
        for atom in &self.atoms {
            bin.0 += atom.reference;
            bin.1 += atom.current;
            below += u128::from(atom.reference);
            let reached = below * bins / u128::from(self.reference);
            if quantile < bins && reached >= quantile {
                quantile = reached + 1;
                reference.push(bin.0);
                current.push(bin.1);
                bin = (0, 0);
            }
        }
        if bin != (0, 0) {
            reference.push(bin.0);
            current.push(bin.1);
        }
        Table::of(reference, current, self.reference, self.current, self.sketched)
    }

    pub(crate) fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Each atom with the counts of both samples below it.
    pub(crate) fn passed(&self) -> impl Iterator<Item = (&Atom, u64, u64)> {
        self.atoms.iter().scan((0_u64, 0_u64), |passed, atom| {
            let before = *passed;
            passed.0 += atom.reference;
            passed.1 += atom.current;
            Some((atom, before.0, before.1))
        })
    }

    /// `1/n + 1/m`.
    pub(crate) fn harmonic(&self) -> f64 {
        1.0 / float(self.reference) + 1.0 / float(self.current)
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    if !sorted.is_sorted() {
        sorted.sort_unstable_by(f64::total_cmp);
    }
    sorted
}

/// Two ascending sequences as one.
fn merged<T>(
    one: impl Iterator<Item = T>,
    two: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = T> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || match (one.peek(), two.peek()) {
        (Some(first), Some(second)) => match order(first, second) {
            Ordering::Less | Ordering::Equal => one.next(),
            Ordering::Greater => two.next(),
        },
        (Some(_), None) => one.next(),
        (None, _) => two.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Finite;

    #[test]
    fn equal_values_are_one_atom() {
        let pooled = Pooled::from_samples(&[2.0, 1.0, 2.0, -0.0], &[0.0, 2.0, 5.0]).unwrap();
        let atoms: Vec<_> =
            pooled.atoms().iter().map(|atom| (atom.value, atom.reference, atom.current)).collect();
        assert_eq!(atoms, [(0.0, 1, 1), (1.0, 1, 0), (2.0, 2, 1), (5.0, 0, 1)]);
        assert_eq!(pooled.counts(), (4, 3));
        assert_eq!(pooled.passed().last().map(|(_, r, c)| (r, c)), Some((4, 2)));
    }

    #[test]
    fn bins_lie_between_quantiles_of_the_reference_and_hold_everything() {
        let reference: Vec<f64> = (1..=10).map(f64::from).collect();
        let pooled = Pooled::from_samples(&reference, &[-5.0, 2.5, 2.6, 50.0]).unwrap();
        let table = pooled.table(5);
        assert_eq!(table.reference(), [2, 2, 2, 2, 2]);
        assert_eq!(table.current(), [1, 2, 0, 0, 1]);
        // Quantiles that coincide make one border; beyond the largest there is a bin.
        let pooled = Pooled::from_samples(&[1.0, 1.0, 1.0, 1.0, 7.0], &[0.0, 9.0]).unwrap();
        assert_eq!(pooled.table(4).reference(), [4, 1]);
        assert_eq!(pooled.table(4).current(), [1, 1]);
        let pooled = Pooled::from_samples(&[3.0, 3.0], &[9.0]).unwrap();
        assert_eq!(
            (pooled.table(4).reference(), pooled.table(4).current()),
            (&[2, 0][..], &[0, 1][..])
        );
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |one: &[f64], two: &[f64]| Pooled::from_samples(one, two).err();
        assert_eq!(refused(&[], &[1.0]), Some(DistanceError::Empty("reference")));
        assert_eq!(refused(&[1.0], &[]), Some(DistanceError::Empty("current")));
        for value in [f64::NAN, f64::INFINITY, 1e101] {
            assert_eq!(refused(&[1.0], &[value]), Some(DistanceError::Value("current")));
        }
        let empty = DdSketch::default();
        assert!(Pooled::from_sketches(&empty, &empty).is_err());
    }

    #[test]
    fn what_one_sketch_has_merged_is_merged_in_the_other() {
        let sketch = |values: std::ops::Range<u32>| {
            let mut sketch = DdSketch::default();
            for exponent in values {
                let value = 1e-6 * 1.03_f64.powi(i32::try_from(exponent).unwrap());
                assert!(sketch.insert(Finite::new(value).unwrap()));
            }
            sketch
        };
        let (full, narrow) = (sketch(0..3_000), sketch(0..100));
        let floor = full.merged_below().unwrap();
        assert_eq!(narrow.merged_below(), None);
        let pooled = Pooled::from_sketches(&full, &narrow).unwrap();
        let lowest = pooled.atoms()[0];
        assert_eq!(lowest.current, 100);
        assert!(lowest.reference > 100 && lowest.slack >= lowest.value);
        assert_eq!(pooled.counts(), (3_000, 100));
        assert!(full.values(Some(floor)).all(|bucket| bucket.index.is_none_or(|b| b >= floor)));
    }
}
