//! The median of a few values, with its interval.

use drift::{Confidence, interval};

/// The 95 % interval of the median of ascending values: its ends are the quantiles at Wilson's
/// bounds for a share of one half.
pub(super) fn median_interval(ascending: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = ascending.len() as u64;
    let shares = interval::wilson(count / 2, count, Confidence::P95);
    let low = shares.and_then(|shares| at(ascending, shares.low));
    (low, shares.and_then(|shares| at(ascending, shares.high)))
}

/// The quantile of ascending values (numpy's `inverted_cdf`).
pub(super) fn at(ascending: &[f64], quantile: f64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 128 values, and the quantile is not negative"
    )]
    let rank = (quantile * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.clamp(1, ascending.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_nothing_is_nothing() {
        assert_eq!(at(&[], 0.5), None);
        assert_eq!((at(&[1.0, 2.0], 0.5), at(&[1.0, 2.0], 1.0)), (Some(1.0), Some(2.0)));
    }
}
