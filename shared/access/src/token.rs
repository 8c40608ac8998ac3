//! Tokens, and the digests that are kept of them.

use std::fmt;

use merkle::hash::{from_hex, to_hex};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What a token begins with, so that scanners for leaked secrets recognize it.
const PREFIX: &str = "driftseal_";
/// What a digest begins with, as text.
const DIGEST_PREFIX: &str = "sha256:";
/// Longest token that is looked at, bytes.
const TOKEN_BYTES_MAX: usize = 256;

/// A token: what a client shows. `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", to_hex(bytes)))
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a server keeps of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token. Compared in constant time.
#[derive(Debug, Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of what a client showed.
    #[must_use]
    pub fn of(shown: &str) -> Self {
        Self(Sha256::digest(shown.as_bytes()).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        from_hex(text.strip_prefix(DIGEST_PREFIX)?).map(Self)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DIGEST_PREFIX}{}", to_hex(&self.0))
    }
}

/// The token of an `Authorization` header: `Bearer`, in any case, a space and the token
/// (RFC 6750, section 2.1; RFC 9110, section 11.4). `None` if it is of another scheme or form.
#[must_use]
pub fn bearer(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim_matches(' ');
    let is_token = !token.is_empty()
        && token.len() <= TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    (is_token && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_to_whoever_asks_for_it_and_nowhere_else() {
        let token = Token::from_bytes(&[7; 32]);
        assert_eq!(token.reveal(), format!("driftseal_{}", "07".repeat(32)));
        assert_eq!(format!("{token:?}"), "Token(…)");
        let digest = token.digest().to_string();
        assert!(!digest.contains(token.reveal()));
        assert_eq!(Digest::parse(&digest), Some(token.digest()));
        for wrong in [
            "",
            "sha256:",
            "sha256:ab",
            "md5:00",
            digest.trim_start_matches("sha256:"),
            &format!("{digest} "),
        ] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_has_one_scheme_and_one_token() {
        for good in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(bearer(good.as_bytes()), Some("abc"), "{good}");
        }
        let long = format!("Bearer {}", "x".repeat(257));
        for wrong in [
            "",
            "abc",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer\tabc",
            "Bearer abc def",
            "Bearer abc\n",
            "Bearer abc\r\nx: y",
            "Bearer \u{e4}",
            " Bearer abc",
            "Bearer, abc",
            &long,
        ] {
            assert_eq!(bearer(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(bearer(b"Bearer \xff"), None);
    }
}
