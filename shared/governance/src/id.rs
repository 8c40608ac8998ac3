//! Random identifiers of 16 bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A history, an owner or a nonce: 16 random bytes, in events 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id([u8; 16]);

impl Id {
    /// From bytes, which the caller draws at random.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From 32 lower-case hexadecimal digits; there is no other spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 16];
        let (pairs, _) = digits.as_chunks::<2>();
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_one_spelling() {
        let id = Id::from_bytes(*b"\x00\x01\x7f\x80\xfe\xff0123456789");
        let text = id.to_string();
        assert_eq!((Id::parse(&text), text.len()), (Some(id), 32));
        for wrong in
            ["", "0", &text.to_uppercase(), text.trim_end_matches('9'), &format!("{text}0"), "+0"]
        {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }
}
