//! Confidence intervals for rates, differences of rates and means.
//!
//! Wilson's and Newcombe's intervals need only a square root, and are the same bit for bit on every
//! machine. Clopper-Pearson and Student's t use quantiles of `statrs`, whose last bits may differ
//! between platforms: round before comparing.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF, Normal, StudentsT};

/// A confidence level with its normal quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    level: f64,
    z: f64,
}

impl Confidence {
    /// 95 %.
    pub const P95: Self = Self { level: 0.95, z: 1.959_963_984_540_054 };

    /// A level strictly between 0 and 1.
    #[must_use]
    pub fn new(level: f64) -> Option<Self> {
        let inside = level > 0.0 && level < 1.0;
        inside.then(|| Self { level, z: Normal::standard().inverse_cdf(f64::midpoint(1.0, level)) })
    }

    /// The level.
    #[must_use]
    pub const fn level(self) -> f64 {
        self.level
    }
}

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// Wilson's score interval for a rate (Wilson 1927). `None` without trials or with more
/// successes than trials.
#[must_use]
pub fn wilson(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (n, z) = (float(trials), confidence.z);
    let rate = float(successes) / n;
    let shrink = 1.0 + z * z / n;
    let middle = (rate + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    // There the ends are exactly 0 and 1, whatever rounding gives.
    let low = if successes == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (middle + half).min(1.0) };
    Some(Interval { low, high })
}

/// Clopper and Pearson's exact interval for a rate (1934): its coverage is at least the level,
/// whatever the rate. `None` without trials or with more successes than trials.
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let tail = (1.0 - confidence.level) / 2.0;
    let low = if successes == 0 {
        0.0
    } else {
        beta_quantile(float(successes), float(trials - successes) + 1.0, tail)
    };
    let high = if successes == trials {
        1.0
    } else {
        beta_quantile(float(successes) + 1.0, float(trials - successes), 1.0 - tail)
    };
    Some(Interval { low, high })
}

/// Upper confidence bound of a rate, exact and one-sided: the rate exceeds it with probability at
/// most one minus the level. `None` without trials or with more successes than trials.
#[must_use]
pub fn upper_bound(successes: u64, trials: u64, confidence: Confidence) -> Option<f64> {
    if trials == 0 || successes > trials {
        return None;
    }
    if successes == trials {
        return Some(1.0);
    }
    Some(beta_quantile(float(successes) + 1.0, float(trials - successes), confidence.level))
}

/// Quantile of the beta distribution; both parameters are above 0.
fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    let Ok(beta) = Beta::new(a, b) else { unreachable!("a beta distribution of {a} and {b}") };
    beta.inverse_cdf(probability)
}

/// Newcombe's hybrid score interval for the difference of two independent rates, the first minus
/// the second (Newcombe 1998, method 10). Each pair is successes and trials.
#[must_use]
pub fn newcombe(first: (u64, u64), second: (u64, u64), confidence: Confidence) -> Option<Interval> {
    let one = wilson(first.0, first.1, confidence)?;
    let two = wilson(second.0, second.1, confidence)?;
    let (p, q) = (float(first.0) / float(first.1), float(second.0) / float(second.1));
    let root = |a: f64, b: f64| (a * a + b * b).sqrt();
    Some(Interval {
        low: p - q - root(p - one.low, two.high - q),
        high: p - q + root(one.high - p, q - two.low),
    })
}

/// Student's interval for a mean: exact for normal values, approximate for others from about 30
/// values on. `variance` is the unbiased estimate. `None` for fewer than two values, or a mean or
/// variance that is not a number.
#[must_use]
pub fn mean_t(count: u64, mean: f64, variance: f64, confidence: Confidence) -> Option<Interval> {
    if count < 2 || !(variance >= 0.0 && mean.is_finite()) {
        return None;
    }
    let n = float(count);
    let Ok(student) = StudentsT::new(0.0, 1.0, n - 1.0) else {
        unreachable!("{} degrees of freedom", n - 1.0)
    };
    let quantile = student.inverse_cdf(f64::midpoint(1.0, confidence.level));
    let half = quantile * (variance / n).sqrt();
    Some(Interval { low: mean - half, high: mean + half })
}

/// Interval for the mean of values in `[0, 1]` that assumes only independence: the two-sided
/// empirical Bernstein bound (Maurer, Pontil 2009, theorem 4). Wider than [`mean_t`]. `None` for
/// fewer than two values.
#[must_use]
pub fn mean_bounded(
    count: u64,
    mean: f64,
    variance: f64,
    confidence: Confidence,
) -> Option<Interval> {
    if count < 2 || !(variance >= 0.0 && (0.0..=1.0).contains(&mean)) {
        return None;
    }
    let n = float(count);
    let log = (4.0 / (1.0 - confidence.level)).ln();
    let half = (2.0 * variance * log / n).sqrt() + 7.0 * log / (3.0 * (n - 1.0));
    Some(Interval { low: (mean - half).max(0.0), high: (mean + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_about_nothing() {
        let level = Confidence::P95;
        assert_eq!(wilson(0, 0, level), None);
        assert_eq!(clopper_pearson(2, 1, level), None);
        assert_eq!(newcombe((1, 2), (0, 0), level), None);
        assert_eq!(mean_t(1, 0.0, 0.0, level), None);
        assert_eq!(Confidence::new(1.0), None);
    }

    #[test]
    fn the_constant_is_the_quantile() {
        let computed = Confidence::new(0.95).unwrap();
        assert!((computed.z - Confidence::P95.z).abs() < 1e-9, "{}", computed.z);
    }

    #[test]
    fn clopper_pearson_covers_at_its_level_whatever_the_rate() {
        let trials = 20_u64;
        for rate in (1..100).map(|percent| f64::from(percent) / 100.0) {
            let (mut covered, mut above, mut mass) = (0.0, 0.0, (1.0 - rate).powi(20));
            for successes in 0..=trials {
                let interval = clopper_pearson(successes, trials, Confidence::P95).unwrap();
                if (interval.low..=interval.high).contains(&rate) {
                    covered += mass;
                }
                if upper_bound(successes, trials, Confidence::P95).unwrap() < rate {
                    above += mass;
                }
                mass *= float(trials - successes) / float(successes + 1) * rate / (1.0 - rate);
            }
            assert!(covered >= 0.95 - 1e-9, "{rate}: {covered}");
            assert!(above <= 0.05 + 1e-9, "{rate}: {above}");
        }
    }
}
