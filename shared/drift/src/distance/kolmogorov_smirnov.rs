//! Kolmogorov-Smirnov: the largest difference between two distribution functions.
//!
//! Smirnov: *On the estimation of the discrepancy between empirical curves of distribution for two
//! independent samples*, 1939; exact p-value: Gnedenko, Korolyuk 1951 for equal sizes, Hodges:
//! *The significance probability of the Smirnov two-sample test*, Arkiv för Matematik 3, 1958, for
//! others.
//!
//! **From samples** the statistic is exact, ties included, and so is the p-value (conservative
//! under ties) while the product of the sizes is at most 1,000,000; beyond, it is asymptotic.
//!
//! **From sketches** the statistic is bounded: both functions are known at the boundaries between
//! buckets, but not inside them. The lower bound is the statistic of the bucketed values, so
//! rejecting when it exceeds the critical value keeps the level. There is no p-value: near the
//! critical distance, which shrinks as samples grow, the mass of one bucket makes it arbitrary.

use std::f64::consts::PI;

use super::comparison::{Bounded, Comparison, LEVEL, float};
use super::measure::{Entry, Measure};
use super::pooled::Pooled;
use crate::elementary::{exp, ln};

/// Largest product of the sizes for which the p-value is exact.
const EXACT_MAX: u64 = 1_000_000;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "kolmogorov-smirnov",
    paper: "Hodges, Arkiv för Matematik 3, 1958",
    measure: Measure::Values(compare),
};

/// Exact two-sided p-value: the share of all orders of `n` and `m` distinct values in which the
/// distance times `n m` is at least `scaled`. It takes `n m` steps, or `n` for equal sizes.
#[must_use]
pub fn p_exact(n: u64, m: u64, scaled: u128) -> f64 {
    if scaled == 0 {
        return 1.0;
    }
    if n == m {
        // A number that does not fit exceeds `n` as well, and the probability is 0.
        let steps = scaled.div_ceil(u128::from(n).max(1));
        return p_of_equal_sizes(n, u64::try_from(steps).unwrap_or(u64::MAX));
    }
    // The probability that a random path to (i, j) has been outside, by its last step.
    let outside = |i: u64, j: u64| {
        (u128::from(i) * u128::from(m)).abs_diff(u128::from(j) * u128::from(n)) >= scaled
    };
    let mut row: Vec<f64> = Vec::new();
    for i in 0..=n {
        let mut left = 0.0;
        let mut cells = row.iter_mut();
        let mut first_row = Vec::new();
        for j in 0..=m {
            let above = cells.next();
            let p = if outside(i, j) {
                1.0
            } else if i + j == 0 {
                0.0
            } else {
                let from_above = above.as_ref().map_or(0.0, |above| **above);
                (from_above * float(i) + left * float(j)) / float(i + j)
            };
            match above {
                Some(above) => *above = p,
                None => first_row.push(p),
            }
            left = p;
        }
        row.extend(first_row);
    }
    let Some(p) = row.last() else { unreachable!("a row has a cell for no value") };
    *p
}

/// Exact two-sided p-value for equal sizes: the distance times `n` is at least `steps`. By
/// reflection, `2 sum over i of (-1)^(i-1) C(2n, n - i steps) / C(2n, n)`.
pub(crate) fn p_of_equal_sizes(n: u64, steps: u64) -> f64 {
    if steps == 0 {
        return 1.0;
    }
    let (mut p, mut sign, mut ratio, mut away) = (0.0, 2.0, 1.0, 0_u64);
    for reflection in 1.. {
        let Some(target) = steps.checked_mul(reflection).filter(|target| *target <= n) else {
            break;
        };
        while away < target {
            ratio *= float(n - away) / float(n + away + 1);
            away += 1;
        }
        p += sign * ratio;
        sign = -sign;
    }
    p.clamp(0.0, 1.0)
}

/// Asymptotic two-sided p-value: that of Kolmogorov's limit at `distance / sqrt(1/n + 1/m)`.
#[must_use]
pub fn p_asymptotic(n: u64, m: u64, distance: f64) -> f64 {
    let x = distance / (1.0 / float(n) + 1.0 / float(m)).sqrt();
    if x <= 0.0 {
        return 1.0;
    }
    let squared = x * x;
    // Two series for the same function; each is used where a few terms suffice.
    if x < 1.0 {
        let odd = (0..10_u8).map(|k| f64::from(2 * k + 1));
        let sum: f64 = odd.map(|odd| exp(-odd * odd * PI * PI / (8.0 * squared))).sum();
        1.0 - (2.0 * PI).sqrt() / x * sum
    } else {
        let terms = (1..=10_u8).map(|k| {
            let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
            sign * exp(-2.0 * f64::from(k) * f64::from(k) * squared)
        });
        terms.sum::<f64>().clamp(0.0, 1.0)
    }
}

/// The distance that equal distributions exceed with probability [`LEVEL`], by the first term of
/// the limit.
fn critical(pooled: &Pooled) -> f64 {
    (-0.5 * ln(0.5 * LEVEL) * pooled.harmonic()).sqrt()
}

fn compare(pooled: &Pooled) -> Comparison {
    let (n, m) = pooled.counts();
    // Distribution functions times n m, so that nothing is rounded.
    let scale = |reference: u64, current: u64| {
        (u128::from(reference) * u128::from(m), u128::from(current) * u128::from(n))
    };
    let (mut known, mut possible) = (0_u128, 0_u128);
    for (atom, reference, current) in pooled.passed() {
        let before = scale(reference, current);
        let after = scale(reference + atom.reference, current + atom.current);
        known = known.max(after.0.abs_diff(after.1));
        // Only the positive difference counts.
        possible = possible.max(after.0.saturating_sub(before.1));
        possible = possible.max(after.1.saturating_sub(before.0));
    }
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    let unscaled = |scaled: u128| scaled as f64 / (float(n) * float(m));
    let distance = unscaled(known);
    let statistic = if pooled.sketched() {
        Bounded { value: distance, low: distance, high: unscaled(possible) }
    } else {
        Bounded::exact(distance)
    };
    let p_value = (!pooled.sketched()).then(|| {
        if n == m || n.checked_mul(m).is_some_and(|product| product <= EXACT_MAX) {
            p_exact(n, m, known)
        } else {
            p_asymptotic(n, m, distance)
        }
    });
    Comparison { statistic, threshold: critical(pooled), p_value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The p-value by counting all orders.
    fn by_enumeration(n: u64, m: u64, scaled: u128) -> f64 {
        let (mut orders, mut extreme) = (0_u32, 0_u32);
        for bits in (0..1_u32 << (n + m)).filter(|bits| u64::from(bits.count_ones()) == n) {
            let (mut i, mut j, mut most) = (0_u128, 0_u128, 0);
            for at in 0..n + m {
                if bits >> at & 1 == 1 {
                    i += 1
                } else {
                    j += 1
                }
                most = most.max((i * u128::from(m)).abs_diff(j * u128::from(n)));
            }
            orders += 1;
            extreme += u32::from(most >= scaled);
        }
        f64::from(extreme) / f64::from(orders)
    }

    #[test]
    fn the_exact_p_value_is_the_share_of_all_orders() {
        for (n, m) in [(1, 1), (1, 4), (3, 3), (4, 6), (5, 7), (7, 7), (2, 9)] {
            for scaled in 0..=u128::from(n * m) {
                let (found, counted) = (p_exact(n, m, scaled), by_enumeration(n, m, scaled));
                assert!((found - counted).abs() < 1e-12, "{n} {m} {scaled}: {found} {counted}");
            }
        }
    }

    #[test]
    fn the_two_series_of_the_limit_meet() {
        let at = |x: f64| p_asymptotic(2, 2, x);
        assert!((at(1.0 - 1e-15) - at(1.0)).abs() < 1e-13);
        assert_eq!((at(0.0), at(1e-3), at(100.0)), (1.0, 1.0, 0.0));
    }
}
