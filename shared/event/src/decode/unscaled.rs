//! Decimals of Avro: an integer in two's complement, and how many of its digits are behind the point.
#![deny(clippy::arithmetic_side_effects)]

/// Larger integers stay bytes: the work grows with the square of their length.
const BYTES_MAX: usize = 64;

/// More digits behind the point are written as an exponent: a schema may ask for any number of zeros.
const SCALE_SHOWN_MAX: usize = 100;

/// Nine decimal digits, which a step of the division gives.
const NINE: u64 = 1_000_000_000;

/// The number as JSON writes numbers; `None` if there are no bytes, or too many.
pub(super) fn text(bytes: &[u8], scale: usize) -> Option<String> {
    let first = bytes.first()?;
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let is_negative = first & 0x80 != 0;
    let digits = digits(magnitude(bytes, is_negative));
    let sign = if is_negative { "-" } else { "" };
    if scale == 0 {
        return Some(format!("{sign}{digits}"));
    }
    if scale > SCALE_SHOWN_MAX {
        return Some(format!("{sign}{digits}e-{scale}"));
    }
    // At least one digit is before the point.
    let digits = format!("{digits:0>width$}", width = scale.saturating_add(1));
    let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(scale))?;
    Some(format!("{sign}{whole}.{fraction}"))
}

/// Without its sign, in 32 bits each, the highest first.
fn magnitude(bytes: &[u8], is_negative: bool) -> Vec<u32> {
    let fill = if is_negative { 0xff } else { 0 };
    let mut words: Vec<u32> = bytes
        .rchunks(4)
        .map(|chunk| {
            chunk
                .iter()
                .fold(u32::from_be_bytes([fill; 4]), |word, byte| (word << 8) | u32::from(*byte))
        })
        .collect();
    if is_negative {
        let mut carry = true;
        for word in &mut words {
            (*word, carry) = (!*word).overflowing_add(u32::from(carry));
        }
        if carry {
            words.push(1);
        }
    }
    words.reverse();
    words
}

/// Decimal digits, by dividing again and again.
fn digits(mut words: Vec<u32>) -> String {
    let mut groups = Vec::new();
    while words.iter().any(|word| *word != 0) {
        let mut rest = 0_u64;
        for word in &mut words {
            let value = (rest << 32) | u64::from(*word);
            *word = u32::try_from(value.wrapping_div(NINE)).unwrap_or(u32::MAX);
            rest = value.wrapping_rem(NINE);
        }
        groups.push(rest);
    }
    let Some(first) = groups.pop() else { return "0".to_owned() };
    let rest: String = groups.iter().rev().map(|group| format!("{group:09}")).collect();
    format!("{first}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_the_digits_of_its_integer() {
        for (bytes, scale, expected) in [
            (&[0][..], 0, "0"),
            (&[0], 2, "0.00"),
            (&[31], 4, "0.0031"),
            (&[0xff], 3, "-0.001"),
            (&[0x80], 0, "-128"),
            (&[0xff, 0x7f], 1, "-12.9"),
            (&[0, 0xff], 0, "255"),
            (&[0x80, 0, 0, 0], 0, "-2147483648"),
            (&[0x80, 0, 0, 0, 0], 0, "-549755813888"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], 3, "18446744073709551.616"),
            (&[5], 1_000_000_000, "5e-1000000000"),
        ] {
            assert_eq!(text(bytes, scale).as_deref(), Some(expected), "{bytes:?}");
        }
        assert_eq!(text(&[], 0), None);
        assert_eq!(text(&[1; 65], 0), None);
        assert_eq!(text(&[0x7f; 64], 0).map(|text| text.len()), Some(154));
    }

    #[test]
    fn every_integer_of_128_bits_is_its_text() {
        let mut value = 1_i128;
        while let Some(next) = value.checked_mul(-7) {
            for value in [value, value.saturating_sub(1)] {
                assert_eq!(text(&value.to_be_bytes(), 0), Some(value.to_string()));
            }
            value = next;
        }
        assert_eq!(text(&i128::MIN.to_be_bytes(), 0), Some(i128::MIN.to_string()));
    }
}
