//! Logarithm, exponential and normal distribution with the same bits on every machine.
//!
//! Those of the platform's library may differ in the last bit between platforms, but a verdict must
//! be the same wherever it is recomputed. These use only the bits of the number and `+ - * /`:
//! reduction to a small argument, then a power series. Their error is at most two units in the last
//! place.

/// Density of the standard normal distribution at 0.
const PEAK: f64 = 0.398_942_280_401_432_7;
/// Number of standard deviations beyond which the distribution function is taken as 0 or 1.
const FAR: f64 = 38.0;

/// Mantissa bits of a float.
const MANTISSA: u64 = (1 << 52) - 1;

/// The natural logarithm of 2 in two parts; the first has 20 zero bits at its end, so that its
/// product with an exponent is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEF0_0000);
const LN_2_LOW: f64 = 7.440_617_110_012_397e-11;

/// Odd numbers of the logarithm's series, in descending order.
const ODD: [f64; 11] = [23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0];

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// Natural logarithm of a positive number.
pub(crate) fn ln(x: f64) -> f64 {
    let (x, shift) =
        if x < f64::MIN_POSITIVE { (x * 18_014_398_509_481_984.0, 54.0) } else { (x, 0.0) };
    let bits = x.to_bits();
    let mut mantissa = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits());
    let mut exponent = f64::from((bits >> 52) as u32) - 1_023.0 - shift;
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln(1 + f) = 2 artanh(s) = f - s (f - 2 s^2 (1/3 + s^2/5 + ...)) with s = f / (2 + f).
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let series = ODD.iter().fold(0.0, |sum, odd| sum * square + 1.0 / odd);
    let rest = s * (f - 2.0 * square * series);
    exponent * LN_2_HIGH + (f - (rest - exponent * LN_2_LOW))
}

/// Exponential; 0 for arguments below -700, and `exp(700)` above 700, so that the result is neither
/// infinite nor subnormal.
pub(crate) fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let x = x.min(700.0);
    let exponent = (x * std::f64::consts::LOG2_E).round();
    let rest = (x - exponent * LN_2_HIGH) - exponent * LN_2_LOW;
    let series = (1..=14_u8).rev().fold(1.0, |sum, n| 1.0 + sum * rest / f64::from(n));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 13 and 2,033, as the argument is between -700 and 700"
    )]
    let biased = (exponent + 1_023.0) as u64;
    series * f64::from_bits(biased << 52)
}

/// Density of the standard normal distribution.
pub(crate) fn normal_density(z: f64) -> f64 {
    PEAK * exp(-0.5 * z * z)
}

/// Distribution function of the standard normal distribution.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    if z > 0.0 {
        return 1.0 - normal_cdf(-z);
    }
    let far = -z;
    if far > FAR {
        return 0.0;
    }
    if far > 3.0 {
        // The continued fraction of Mills' ratio, from the inside out.
        let mut fraction = far;
        for order in (1..=120_u32).rev() {
            fraction = far + f64::from(order) / fraction;
        }
        return normal_density(z) / fraction;
    }
    // phi(z) * (z + z^3/3 + z^5/(3*5) + ...)
    let square = far * far;
    let mut sum = 0.0;
    for order in (1..=60_u32).rev() {
        sum = (1.0 + sum) * square / f64::from(2 * order + 1);
    }
    0.5 - normal_density(far) * far * (1.0 + sum)
}

/// Quantile of the standard normal distribution at a probability strictly between 0 and 1.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    if probability > 0.5 {
        return -normal_quantile(1.0 - probability);
    }
    // Newton from the middle: the function is convex below it, so no step goes too far.
    let mut z = 0.0;
    for _ in 0..100 {
        let step = (normal_cdf(z) - probability) / normal_density(z);
        z -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    fn units(found: f64, expected: f64) -> u64 {
        found.to_bits().abs_diff(expected.to_bits())
    }

    #[test]
    fn they_agree_with_the_platform_to_the_last_places() {
        let mut x = 1e-320;
        while x < 1e300 {
            // Near 1 the logarithm is near 0, and both are right to a relative error.
            assert!(units(ln(x), x.ln()) <= 2, "{x}: {} {}", ln(x), x.ln());
            x *= 1.000_7;
        }
        for step in -70_000..=70_000 {
            let x = f64::from(step) / 100.3;
            assert!(units(exp(x), x.exp()) <= 3, "{x}: {} {}", exp(x), x.exp());
        }
    }

    #[test]
    fn the_normal_distribution_is_that_of_statrs() {
        let normal = Normal::standard();
        for step in -800..=800 {
            let z = f64::from(step) / 100.0;
            let error = normal_cdf(z) - normal.cdf(z);
            assert!(error.abs() < 1e-9 * normal.cdf(z), "{z}: {error}");
        }
        // statrs is right to ten digits out there; these are scipy's.
        for (z, exact) in [(-3.63, 1.417_106_098_758_190_6e-4), (-2.9, 1.865_813_300_384_037_5e-3)]
        {
            assert!((normal_cdf(z) / exact - 1.0).abs() < 1e-13, "{z}");
        }
        for step in 1..1_024 {
            let probability = f64::from(step) / 1_024.0;
            let error = normal_quantile(probability) - normal.inverse_cdf(probability);
            assert!(error.abs() < 1e-9, "{probability}: {error}");
            assert!((normal_cdf(normal_quantile(probability)) - probability).abs() < 1e-15);
        }
    }

    #[test]
    fn the_bits_are_pinned() {
        assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
        assert_eq!((exp(-701.0), exp(1e9)), (0.0, exp(700.0)));
        let mut hash = 0_u64;
        for step in 1..=10_000_u32 {
            let x = f64::from(step) / 97.0;
            let quantile = normal_quantile(f64::from(step) / 10_001.0);
            for value in [ln(x), exp(x), exp(-x), quantile] {
                hash = (hash ^ value.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
            }
        }
        assert_eq!(hash, 0xba2e_cd97_2a9c_7c54, "{hash:#x}");
    }
}
