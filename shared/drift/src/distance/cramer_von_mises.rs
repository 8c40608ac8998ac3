//! Cramér-von Mises: the squared difference between two distribution functions, averaged over the
//! pooled values.
//!
//! Anderson: *On the distribution of the two-sample Cramér-von Mises criterion*, Annals of
//! Mathematical Statistics 33, 1962; limit distribution: Anderson, Darling: *Asymptotic theory of
//! certain goodness of fit criteria*, the same 23, 1952. Ties share their mean rank. The statistic
//! is computed in integers and rounded once; beyond about a thousand million values they overflow,
//! which panics.
//!
//! The p-value is asymptotic, with the first two moments corrected for the sizes (Anderson 1962,
//! section 4): it is usable from about ten values per sample. Its absolute error is about 1e-12, so
//! smaller p-values are indistinguishable.

use std::f64::consts::PI;

use super::comparison::{Bounded, Comparison, float};
use super::measure::{Entry, Measure};
use super::pooled::Pooled;
use crate::elementary::exp;

/// 95 % quantile of the limit distribution.
const CRITICAL: f64 = 0.461_361_293_605_878_6;

/// Its entry in the list.
pub const ENTRY: Entry = Entry {
    name: "cramer-von-mises",
    paper: "Anderson, Annals of Mathematical Statistics 33, 1962",
    measure: Measure::Samples(compare),
};

/// Probability that the limit variable is at most `x` (Anderson, Darling 1952, formula 4.35).
fn limit(x: f64) -> f64 {
    // Beyond 10 the tail is below 1e-20, and the series needs ever more terms.
    if x > 10.0 {
        return 1.0;
    }
    let (mut sum, mut coefficient) = (0.0, 1.0);
    for k in 0..40_u8 {
        let k = f64::from(k);
        if k > 0.0 {
            coefficient *= (k - 0.5) / k;
        }
        let q = (4.0 * k + 1.0) * (4.0 * k + 1.0) / (16.0 * x);
        if q > 25.0 {
            break;
        }
        sum += coefficient * (4.0 * k + 1.0).sqrt() * scaled_bessel(q);
    }
    sum / (PI * x.sqrt())
}

/// `exp(-q) K(q)` of the modified Bessel function of order 1/4, by its integral over
/// `exp(-q cosh t) cosh(t / 4)` (DLMF 10.32.9). The trapezoidal rule converges exponentially.
fn scaled_bessel(q: f64) -> f64 {
    const STEP: f64 = 0.0625;
    let at = |t: f64| {
        let (up, down) = (exp(t), exp(-t));
        let (root, inverse) = (up.sqrt().sqrt(), down.sqrt().sqrt());
        exp(-q * (1.0 + f64::midpoint(up, down))) * f64::midpoint(root, inverse)
    };
    let mut sum = 0.5 * at(0.0);
    for step in 1..=320_u16 {
        let term = at(STEP * f64::from(step));
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    STEP * sum
}

fn compare(pooled: &Pooled) -> Comparison {
    let (n, m) = pooled.counts();
    // Four times n (sum over x of (rank - place)^2) + m (the same of y), which is an integer.
    let mut squares = 0_i128;
    for (atom, reference, current) in pooled.passed() {
        let [before_x, before_y] = [reference, current].map(i128::from);
        let [in_x, in_y] = [atom.reference, atom.current].map(i128::from);
        let twice_rank = 2 * (before_x + before_y) + in_x + in_y + 1;
        let of = |count: i128, before: i128| {
            // Sum over i = 1 .. count of (a - 2 i)^2.
            let a = twice_rank - 2 * before;
            let linear = 4 * a * (count * (count + 1) / 2);
            let square = 4 * (count * (count + 1) * (2 * count + 1) / 6);
            count * a * a - linear + square
        };
        squares += of(in_x, before_x) * i128::from(n) + of(in_y, before_y) * i128::from(m);
    }
    let product = i128::from(n) * i128::from(m);
    let above = 6 * squares - 4 * product * (4 * product - 1);
    let (n, m) = (float(n), float(m));
    let (product, both) = (n * m, n + m);
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    let statistic = above as f64 / (24.0 * product * both);

    let mean = (1.0 + 1.0 / both) / 6.0;
    let variance = (both + 1.0) * (4.0 * product * both - 3.0 * (n * n + m * m) - 2.0 * product)
        / (180.0 * both * both * product);
    let scale = (45.0 * variance).sqrt();
    let (threshold, p_value) = if scale > 0.0 {
        let x = 1.0 / 6.0 + (statistic - mean) / scale;
        let p = if x < 0.003 { 1.0 } else { (1.0 - limit(x)).clamp(0.0, 1.0) };
        (mean + (CRITICAL - 1.0 / 6.0) * scale, p)
    } else {
        // With one value each, nothing can be concluded.
        (f64::MAX, 1.0)
    };
    Comparison { statistic: Bounded::exact(statistic), threshold, p_value: Some(p_value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_has_the_tables_quantiles() {
        // Anderson, Darling 1952, table 1.
        for (x, probability) in
            [(0.02480, 0.01), (0.11888, 0.5), (0.34730, 0.90), (0.46136, 0.95), (0.74346, 0.99)]
        {
            assert!((limit(x) - probability).abs() < 2e-5, "{x}: {}", limit(x));
        }
        assert!((limit(CRITICAL) - 0.95).abs() < 1e-9, "{}", limit(CRITICAL));
        assert!((limit(9.9) - 1.0).abs() < 1e-13, "{}", limit(9.9));
        assert!(limit(1e6) >= 1.0);
    }
}
