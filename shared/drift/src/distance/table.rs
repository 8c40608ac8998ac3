//! Counts of the same categories (or bins) in two samples, and their distribution under chance.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::comparison::{DistanceError, float};

/// Counts of the same categories in a reference and a current sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    reference: Vec<u64>,
    current: Vec<u64>,
    reference_count: u64,
    current_count: u64,
    sketched: bool,
}

impl Table {
    /// A table of counts; the same index is the same category.
    ///
    /// # Errors
    ///
    /// Different numbers of categories, no count above 0, or counts whose sum exceeds 64 bits.
    pub fn new(reference: &[u64], current: &[u64]) -> Result<Self, DistanceError> {
        if reference.len() != current.len() {
            return Err(DistanceError::Categories(reference.len(), current.len()));
        }
        let sum = |counts: &[u64], name| {
            let sum = counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n));
            sum.ok_or(DistanceError::Count(name))
        };
        let (one, two) = (sum(reference, "reference")?, sum(current, "current")?);
        if one == 0 {
            return Err(DistanceError::Empty("reference"));
        }
        if two == 0 {
            return Err(DistanceError::Empty("current"));
        }
        Ok(Self::of(reference.to_vec(), current.to_vec(), one, two, false))
    }

    /// A table of counts with known sums, both above 0.
    pub(crate) const fn of(
        reference: Vec<u64>,
        current: Vec<u64>,
        reference_count: u64,
        current_count: u64,
        sketched: bool,
    ) -> Self {
        Self { reference, current, reference_count, current_count, sketched }
    }

    /// Counts of the reference.
    #[must_use]
    pub fn reference(&self) -> &[u64] {
        &self.reference
    }

    /// Counts of the current sample.
    #[must_use]
    pub fn current(&self) -> &[u64] {
        &self.current
    }

    /// Both counts of every category.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self.reference.iter().zip(&self.current);
        pairs.map(|(reference, current)| (float(*reference), float(*current)))
    }

    /// Both shares of every category.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        let (n, m) = self.sizes();
        self.pairs().map(move |(reference, current)| (reference / n, current / m))
    }

    /// Sizes of both samples.
    pub(crate) fn sizes(&self) -> (f64, f64) {
        (float(self.reference_count), float(self.current_count))
    }

    /// Degrees of freedom: the number of categories that occur, less one. At least one occurs.
    pub(crate) fn freedom(&self) -> u64 {
        let occur = |(reference, current): &(f64, f64)| reference + current > 0.0;
        self.pairs().filter(occur).count() as u64 - 1
    }

    /// For every category that occurs, the observed count in each sample and the one expected if
    /// both have the same distribution.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (f64, f64)> {
        let (n, m) = self.sizes();
        self.pairs().filter(|(reference, current)| reference + current > 0.0).flat_map(
            move |(reference, current)| {
                let both = reference + current;
                [(reference, both * n / (n + m)), (current, both * m / (n + m))]
            },
        )
    }

    /// p-value of a statistic with the chi-squared distribution; `None` for a sketch.
    pub(crate) fn p_value(&self, statistic: f64) -> Option<f64> {
        if self.sketched {
            return None;
        }
        let freedom = self.freedom();
        if freedom == 0 {
            return Some(1.0);
        }
        Some(chi_squared(freedom).sf(statistic))
    }

    /// The sum over categories of `(p - q)^2 / p`, for shares `p` and `q`, that equal distributions
    /// exceed once in a thousand comparisons: `(1/n + 1/m) chi2inv(0.999, B - 1)`.
    pub(crate) fn chance(&self) -> f64 {
        let (n, m) = self.sizes();
        (1.0 / n + 1.0 / m) * quantile(0.999, self.freedom())
    }

    /// Critical value of a statistic with the chi-squared distribution.
    pub(crate) fn critical(&self) -> f64 {
        quantile(1.0 - super::comparison::LEVEL, self.freedom())
    }
}

fn chi_squared(freedom: u64) -> ChiSquared {
    let Ok(chi) = ChiSquared::new(float(freedom)) else {
        unreachable!("{freedom} degrees of freedom")
    };
    chi
}

/// Quantile of the chi-squared distribution, rounded to a millionth so that it is the same on every
/// platform.
fn quantile(probability: f64, freedom: u64) -> f64 {
    if freedom == 0 {
        return 0.0;
    }
    (chi_squared(freedom).inverse_cdf(probability) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert_eq!(Table::new(&[1, 2], &[1]), Err(DistanceError::Categories(2, 1)));
        assert_eq!(Table::new(&[0, 0], &[1, 1]), Err(DistanceError::Empty("reference")));
        assert_eq!(Table::new(&[1, 0], &[0, 0]), Err(DistanceError::Empty("current")));
        assert_eq!(Table::new(&[], &[]), Err(DistanceError::Empty("reference")));
    }

    #[test]
    fn categories_that_do_not_occur_are_not_counted() {
        let table = Table::new(&[3, 0, 1, 0], &[1, 0, 0, 2]).unwrap();
        assert_eq!(table.freedom(), 2);
        assert_eq!(table.expected().count(), 6);
        let sum: f64 = table.expected().map(|(observed, expected)| observed - expected).sum();
        assert!(sum.abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // NIST/SEMATECH e-Handbook, section 1.3.6.7.4.
        for (probability, freedom, expected) in
            [(0.95, 1, 3.841), (0.95, 9, 16.919), (0.999, 9, 27.877), (0.999, 100, 149.449)]
        {
            assert!((quantile(probability, freedom) - expected).abs() < 6e-4, "{freedom}");
        }
        assert!(quantile(0.5, 0) <= 0.0);
    }
}
