//! Domain-separated SHA-256 (RFC 6962, section 2.1); the only use of the hash crate.

use sha2::{Digest, Sha256};

use crate::Hash;

/// `SHA256(00)`: the leaf of empty data, which pads a segment tree to a power of two.
pub const PADDING_LEAF: Hash = [
    0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98, 0x9c, 0xa5, 0x44, 0xe6, 0xbb, 0x78, 0x0a, 0x2c,
    0x78, 0x90, 0x1d, 0x3f, 0xb3, 0x37, 0x38, 0x76, 0x85, 0x11, 0xa3, 0x06, 0x17, 0xaf, 0xa0, 0x1d,
];

/// Plain SHA-256.
#[must_use]
pub fn sha256(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// Plain SHA-256 of data that comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct Running(Sha256);

impl Running {
    /// Takes the next piece.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// Leaf hash of data: `SHA256(00 ‖ data)`.
#[must_use]
pub fn leaf(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(data);
    hasher.finalize().into()
}

/// Hash of an inner node: `SHA256(01 ‖ left ‖ right)`.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// Lowercase hexadecimal text of a digest.
#[must_use]
pub fn to_hex(hash: &Hash) -> String {
    hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
}

/// The digest that 64 lowercase hexadecimal digits stand for.
#[must_use]
pub fn from_hex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (hex_value(*high)? << 4) | hex_value(*low)?;
    }
    Some(hash)
}

fn hex_digit(nibble: u8) -> char {
    match char::from_digit(u32::from(nibble), 16) {
        Some(digit) => digit,
        None => unreachable!("half a byte is below 16"),
    }
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_leaf_is_the_leaf_of_nothing() {
        assert_eq!(PADDING_LEAF, leaf(b""));
    }

    #[test]
    fn hexadecimal_text_is_strict() {
        let hash = sha256(b"x");
        assert_eq!(from_hex(&to_hex(&hash)), Some(hash));
        assert_eq!(from_hex(&to_hex(&hash).to_uppercase()), None);
        assert_eq!(from_hex("00"), None);
    }
}
