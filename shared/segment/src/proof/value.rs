//! Values of fields: their canonical bytes, and the text that people read.
//!
//! Written from `schemas/segment/leaf.md` and `schemas/evidence/proof.md`, apart from the code
//! that seals.

use event::{Cell, Timestamp, decimal};
use merkle::hash;

/// What is shown of an erased value.
pub(super) const ERASED: &str = "(erased)";

/// The canonical bytes of a value.
pub(super) fn canonical(cell: &Cell<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match cell {
        Cell::Bool(value) => bytes.push(u8::from(*value)),
        Cell::Int(value) => bytes.extend_from_slice(&value.to_be_bytes()),
        Cell::Float(value) if value.is_nan() => {
            bytes.extend_from_slice(&[0x7f, 0xf8, 0, 0, 0, 0, 0, 0]);
        }
        Cell::Float(value) => bytes.extend_from_slice(&value.to_bits().to_be_bytes()),
        Cell::Time(value) => bytes.extend_from_slice(&value.micros().to_be_bytes()),
        Cell::Text(value) => bytes.extend_from_slice(value.as_bytes()),
        Cell::Bytes(value) => bytes.extend_from_slice(value),
        Cell::Texts(values) => {
            count(values.len(), &mut bytes);
            for value in values {
                long(value, &mut bytes);
            }
        }
        Cell::Map(pairs) => {
            count(pairs.len(), &mut bytes);
            for (key, value) in pairs {
                long(key, &mut bytes);
                long(value, &mut bytes);
            }
        }
    }
    bytes
}

/// `u32` length and bytes.
fn long(text: &str, into: &mut Vec<u8>) {
    count(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

/// `u32`; the leaf of the row, which was derived before, has no larger number either.
fn count(count: usize, into: &mut Vec<u8>) {
    let Ok(count) = u32::try_from(count) else {
        unreachable!("{count} bytes or items are in a row that has a leaf")
    };
    into.extend_from_slice(&count.to_be_bytes());
}

/// A value for people, from its type byte and canonical bytes: any bytes have a text.
pub(super) fn shown(cell_type: u8, value: &[u8]) -> String {
    let eight = || <[u8; 8]>::try_from(value).ok();
    let text = match cell_type {
        1 => match value {
            [0] => Some("false".to_owned()),
            [1] => Some("true".to_owned()),
            _ => None,
        },
        2 => eight().map(|bytes| i64::from_be_bytes(bytes).to_string()),
        3 => eight().map(|bytes| decimal::plain(f64::from_be_bytes(bytes))),
        4 => std::str::from_utf8(value).ok().map(str::to_owned),
        6 => eight().map(|bytes| {
            let micros = i64::from_be_bytes(bytes);
            Timestamp::from_micros(micros)
                .to_rfc3339()
                .unwrap_or_else(|| format!("{micros} µs since the epoch"))
        }),
        7 => texts(value, 1),
        8 => texts(value, 2),
        _ => None,
    };
    // Bytes, and what is not a value of its type.
    text.unwrap_or_else(|| {
        format!("{} bytes with SHA-256 {}", value.len(), hash::to_hex(&hash::sha256(value)))
    })
}

/// A list of texts, or of pairs of them.
fn texts(value: &[u8], per_item: usize) -> Option<String> {
    let (items, mut rest) = value.split_first_chunk::<4>()?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (text, after) = after.split_at_checked(length)?;
        parts.push(std::str::from_utf8(text).ok()?);
        rest = after;
    }
    let items = usize::try_from(u32::from_be_bytes(*items)).ok()?;
    (items.checked_mul(per_item) == Some(parts.len()))
        .then(|| parts.chunks(per_item).map(|item| item.join(" = ")).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cell: &Cell<'_>) -> String {
        shown(cell.cell_type() as u8, &canonical(cell))
    }

    #[test]
    fn every_type_has_its_text() {
        for (cell, expected) in [
            (Cell::from(true), "true"),
            (Cell::from(-7_i64), "-7"),
            (Cell::from(0.1), "0.1"),
            (Cell::from(1e21), "1000000000000000000000"),
            (Cell::from(-0.0), "-0"),
            (Cell::from(-f64::NAN), "NaN"),
            (Cell::from("é"), "é"),
            (Cell::from(Timestamp::from_micros(1)), "1970-01-01T00:00:00.000001Z"),
            (Cell::from(vec!["a".to_owned(), String::new()]), "a; "),
        ] {
            assert_eq!(text(&cell), expected);
        }
        assert_eq!(shown(8, &[0; 4]), "");
        assert_eq!(shown(8, b"\0\0\0\x01\0\0\0\x01k\0\0\0\x01v"), "k = v");
    }

    #[test]
    fn what_is_no_value_of_its_type_is_shown_as_bytes() {
        for (cell_type, value) in [
            (1, &b"\x02"[..]),
            (2, b"1234567"),
            (4, b"\xff"),
            (7, b"\0\0\0\x01"),
            (8, b""),
            (9, b""),
        ] {
            let expected = format!("{} bytes with SHA-256 ", value.len());
            assert!(shown(cell_type, value).starts_with(&expected), "{cell_type}");
        }
    }
}
