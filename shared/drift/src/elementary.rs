//! Logarithm and exponential that are the same on every machine.
//!
//! A platform's own differ from the next platform's in the last bit, and a verdict that is
//! recomputed elsewhere must not. These use the bits of the number and `+ - * /` only: reduction
//! to a small argument, then a power series. They are within two units in the last place.

/// Mantissa bits of a float.
const MANTISSA: u64 = (1 << 52) - 1;

/// The natural logarithm of 2 in two parts; the first has 20 zero bits at its end, so that its
/// product with an exponent is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEF0_0000);
const LN_2_LOW: f64 = 7.440_617_110_012_397e-11;

/// Odd numbers of the logarithm's series, from its far end.
const ODD: [f64; 11] = [23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0];

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

/// Exponential; 0 below -700 and that of 700 above it, so that it is neither infinite nor
/// subnormal.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_bits_are_pinned() {
        assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
        assert_eq!((exp(-701.0), exp(1e9)), (0.0, exp(700.0)));
        let mut hash = 0_u64;
        for step in 1..=10_000_u32 {
            let x = f64::from(step) / 97.0;
            for value in [ln(x), exp(x), exp(-x)] {
                hash = (hash ^ value.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
            }
        }
        assert_eq!(hash, 0x3e87_7fa5_9e74_9dfd, "{hash:#x}");
    }
}
