//! Decimal numbers as senders write them, and the doubles nearest to them.
//!
//! A double stands for the shortest decimal number that reads back as it, as people and programs
//! print it: 0.1 for the double nearest to 0.1. Of several it is the nearest to the double, of two
//! equally near ones the even one (ECMAScript, RFC 8785). A text of at most 15 significant digits always is that
//! number, whatever its spelling; one of more digits may be another, and then the double has lost
//! something.
#![deny(clippy::arithmetic_side_effects)]

/// Decimal numbers of so many digits survive in a double, within its range.
const DIGITS_ALWAYS_KEPT: usize = 15;

/// The double that is nearest to a decimal number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nearest {
    /// It stands for the number.
    Same(f64),
    /// It stands for another one: the number has digits that no double has, or is nearer to zero
    /// than any.
    Other(f64),
    /// There is none: the number is beyond the largest double.
    Beyond,
}

/// The double nearest to a number as JSON writes numbers; `None` if the text is none.
#[must_use]
pub fn nearest(text: &str) -> Option<Nearest> {
    let parts = Parts::of(text)?;
    let value: f64 = text.parse().ok()?;
    let digits = parts.significant();
    if digits <= DIGITS_ALWAYS_KEPT && (value.is_normal() || digits == 0) {
        return Some(Nearest::Same(value));
    }
    if !value.is_finite() {
        return Some(Nearest::Beyond);
    }
    let shortest = shortest(value);
    let is_same = Parts::of(&shortest).is_some_and(|shortest| shortest.is(&parts));
    Some(if is_same { Nearest::Same(value) } else { Nearest::Other(value) })
}

/// The number that a double stands for, as JSON; empty for what is no number.
///
/// Not as the standard library prints it, which of two equally near numbers takes the greater one.
#[must_use]
pub fn shortest(value: f64) -> String {
    let text = value.is_finite().then(|| serde_json::to_string(&value).ok());
    text.flatten().unwrap_or_default()
}

/// The number that a double stands for without an exponent and without `.0`; `NaN`, `inf` and `-inf`. Zeros keep
/// their signs.
#[must_use]
pub fn plain(value: f64) -> String {
    let text = shortest(value);
    let Some(parts) = Parts::of(&text) else { return value.to_string() };
    let (digits, power) = parts.canonical();
    let digits: String = digits.iter().map(|digit| char::from(*digit)).collect();
    let sign = if text.starts_with('-') { "-" } else { "" };
    let count = |number: i64| usize::try_from(number).unwrap_or(0);
    let before = power.saturating_add(i64::try_from(digits.len()).unwrap_or(i64::MAX));
    if digits.is_empty() {
        format!("{sign}0")
    } else if power >= 0 {
        format!("{sign}{digits}{}", "0".repeat(count(power)))
    } else if let Some((whole, fraction)) =
        digits.split_at_checked(count(before)).filter(|(whole, _)| !whole.is_empty())
    {
        format!("{sign}{whole}.{fraction}")
    } else {
        format!("{sign}0.{}{digits}", "0".repeat(count(before.saturating_neg())))
    }
}

/// The nearest double to an integer.
#[must_use]
pub fn nearest_to_integer(value: i128) -> Nearest {
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
    let nearest = value as f64;
    // Every integer up to here is a double.
    if value.unsigned_abs() <= 1 << 53 {
        return Nearest::Same(nearest);
    }
    match self::nearest(&value.to_string()) {
        Some(nearest) => nearest,
        None => unreachable!("{value} is a number"),
    }
}

/// The digits of a number, but for its sign, which a double always keeps.
struct Parts<'t> {
    whole: &'t [u8],
    fraction: &'t [u8],
    exponent: i64,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let text = text.as_bytes();
        let (whole, rest) = digits(text.strip_prefix(b"-").unwrap_or(text));
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix(b".") {
            None => (&[][..], rest),
            Some(rest) => match digits(rest) {
                ([], _) => return None,
                read => read,
            },
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            [..] => return None,
        };
        Some(Self { whole, fraction, exponent })
    }

    /// Digits from the first that is not 0 on.
    fn significant(&self) -> usize {
        if self.whole == b"0" {
            let zeros = self.fraction.iter().take_while(|digit| **digit == b'0').count();
            self.fraction.len().saturating_sub(zeros)
        } else {
            self.whole.len().saturating_add(self.fraction.len())
        }
    }

    /// The digits without zeros before and behind, and the power of ten of the last one.
    fn canonical(&self) -> (Vec<u8>, i64) {
        let mut digits = [self.whole, self.fraction].concat();
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let mut power = self.exponent.saturating_sub(length(self.fraction.len()));
        while digits.pop_if(|last| *last == b'0').is_some() {
            power = power.saturating_add(1);
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        // Zero is zero, whatever its exponent.
        let power = if digits.is_empty() { 0 } else { power };
        (digits, power)
    }

    /// Whether both are the same number, but for their signs.
    fn is(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

/// The digits that a text begins with, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(count).unwrap_or((text, &[]))
}

/// An exponent; beyond what any double has, only its sign matters.
fn exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        text => (false, text),
    };
    let (read, []) = digits(text) else { return None };
    if read.is_empty() {
        return None;
    }
    let value = read.iter().fold(0_i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit.wrapping_sub(b'0')))
    });
    Some(if is_negative { value.saturating_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1006161631284013.25.
    const BETWEEN_TWO: f64 = 4_024_646_525_136_053.0 / 4.0;

    #[test]
    fn a_text_is_what_its_double_says_or_it_is_not() {
        use Nearest::{Beyond, Other, Same};
        for (text, expected) in [
            ("0", Same(0.0)),
            ("-0.0", Same(-0.0)),
            ("0e99999999999999999999", Same(0.0)),
            ("0.1", Same(0.1)),
            ("0.10000000000000000000000", Same(0.1)),
            ("100E-3", Same(0.1)),
            ("0.1000000000000000000001", Other(0.1)),
            // What the double nearest to 0.1 is, to its last digit: not what was meant by it.
            ("0.1000000000000000055511151231257827021181583404541015625", Other(0.1)),
            ("0.30000000000000004", Same(0.30000000000000004)),
            ("0.300000000000000040", Same(0.30000000000000004)),
            ("0.300000000000000041", Other(0.30000000000000004)),
            ("9007199254740993", Other(9_007_199_254_740_992.0)),
            ("9007199254740992", Same(9_007_199_254_740_992.0)),
            ("123456789012345678901234567890", Other(1.2345678901234568e29)),
            ("1e23", Same(1e23)),
            ("1.7976931348623157e308", Same(f64::MAX)),
            ("17976931348623157e292", Same(f64::MAX)),
            ("1.8e308", Beyond),
            ("-1e400", Beyond),
            ("1e99999999999999999999", Beyond),
            ("1e-400", Other(0.0)),
            ("-1e-99999999999999999999", Other(-0.0)),
            ("5e-324", Same(5e-324)),
            ("4.9e-324", Other(5e-324)),
            // The double is 1006161631284013.25: as near to one as to the other.
            ("1006161631284013.2", Same(BETWEEN_TWO)),
            ("1006161631284013.3", Other(BETWEEN_TWO)),
            ("2.2250738585072014e-308", Same(f64::MIN_POSITIVE)),
        ] {
            assert_eq!(nearest(text), Some(expected), "{text}");
        }
        for text in [
            "", "-", "+1", ".5", "1.", "1.e1", "01", "-01", "1e", "1e+", "1e1.5", " 1", "1 ",
            "1_0", "0x1", "NaN", "inf", "Infinity", "1,5", "1f", "--1", "١",
        ] {
            assert_eq!(nearest(text), None, "{text}");
        }
    }

    #[test]
    fn a_double_is_printed_without_an_exponent_and_of_two_near_numbers_as_the_even_one() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1_200.0, "-1200"),
            (0.1, "0.1"),
            (-12.5, "-12.5"),
            (1e22, "10000000000000000000000"),
            (1.5e-7, "0.00000015"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (BETWEEN_TWO, "1006161631284013.2"),
        ] {
            assert_eq!(plain(value), expected);
        }
        // Otherwise as the standard library has it, which takes the greater of the two.
        let mut state = 7_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(state);
            let (found, std) = (plain(value), value.to_string());
            assert_eq!(found.len(), std.len(), "{std}");
            if found != std {
                assert_eq!(found.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{std}");
            }
        }
    }

    #[test]
    fn every_decimal_of_fifteen_digits_survives_at_the_ends_of_the_range_too() {
        // The shortcut and the comparison say the same.
        for digits in ["999999999999999", "100000000000001", "123456789012345", "1"] {
            for power in -330..310 {
                let text = format!("{digits}e{power}");
                let long = format!("{digits}.000e{power}");
                assert_eq!(nearest(&text), nearest(&long), "{text}");
            }
        }
    }

    #[test]
    fn integers_are_their_texts() {
        for value in [0, -5, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, i128::from(u64::MAX)] {
            assert_eq!(Some(nearest_to_integer(value)), nearest(&value.to_string()), "{value}");
        }
    }
}
