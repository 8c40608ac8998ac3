//! Tokens: what a client shows, and what the gateway keeps of it.
//!
//! A token is 32 random bytes, so its plain SHA-256 cannot be turned back by guessing, and needs no salt.
//! The file of the gateway has one line per token, `<name> sha256:<64 hexadecimal digits>`; a line
//! that is removed is a token that is revoked, at the next start.

use std::path::{Path, PathBuf};

use merkle::hash::to_hex;
use service::files::{FileError, read_secret, write_secret};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// File of a client's token, in the directory of the keys.
pub const TOKEN_FILE: &str = "gateway.token";
/// File of the digests that the gateway keeps, in the directory of the keys.
pub const TOKENS_FILE: &str = "gateway.tokens";

/// What a token begins with, so that scanners for leaked secrets recognize it.
const PREFIX: &str = "driftseal_";
/// Most tokens.
const TOKENS_MAX: usize = 1_000;
/// Longest name of a token, bytes.
const NAME_BYTES_MAX: usize = 64;

/// Why tokens cannot be made or read. Never holds one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The machine gave no random bytes.
    #[error("failed to make a token: no random bytes: {0}")]
    Random(String),
    /// A file cannot be used.
    #[error("the tokens of the gateway, `{}`: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: FileError,
    },
    /// A line is not a token.
    #[error(
        "the tokens of the gateway, `{}`, line {line}: expected `<name> sha256:<64 hexadecimal \
         digits>`, with a name of at most 64 letters, digits, `-` and `_` that no other line has",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// There is none, or there are too many.
    #[error("the tokens of the gateway, `{}`: {found} tokens; from 1 to {TOKENS_MAX} are accepted", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// How many.
        found: usize,
    },
}

/// Makes a token for a client and its line for the gateway, in a directory of keys; both files are for
/// the owner only. Returns the file of the token.
///
/// # Errors
///
/// `Random`; `File`, also if one of the files exists.
pub fn make_token(directory: &Path, name: &str) -> Result<PathBuf, AccessError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
    let token = format!("{PREFIX}{}", to_hex(&bytes));
    let (client, server) = (directory.join(TOKEN_FILE), directory.join(TOKENS_FILE));
    let write = |path: &Path, text: &str| {
        write_secret(path, text).map_err(|error| AccessError::File { path: path.into(), error })
    };
    write(&server, &format!("{name} sha256:{}\n", to_hex(&digest(&token))))?;
    write(&client, &format!("{token}\n"))?;
    Ok(client)
}

/// The tokens that the gateway knows: names and digests.
#[derive(Debug, Clone)]
pub struct Tokens {
    all: Vec<(String, [u8; 32])>,
}

impl Tokens {
    /// Reads the file of the gateway.
    ///
    /// # Errors
    ///
    /// `File`, also if others may read or change it; `Line`; `Count`.
    pub fn load(path: &Path) -> Result<Self, AccessError> {
        let text = read_secret(path)
            .map_err(|error| AccessError::File { path: path.to_owned(), error })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, AccessError> {
        let mut all: Vec<(String, [u8; 32])> = Vec::new();
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let token = parse_line(text).filter(|(name, _)| all.iter().all(|(own, _)| own != name));
            let wrong = || AccessError::Line { path: path.to_owned(), line };
            all.push(token.ok_or_else(wrong)?);
        }
        if !(1..=TOKENS_MAX).contains(&all.len()) {
            return Err(AccessError::Count { path: path.to_owned(), found: all.len() });
        }
        Ok(Self { all })
    }

    /// The name of a token, if it is known. Takes as long for every token, known or not.
    pub(super) fn name_of(&self, token: &str) -> Option<&str> {
        let shown = digest(token);
        let mut found = None;
        for (name, known) in &self.all {
            if bool::from(known.ct_eq(&shown)) {
                found = Some(name.as_str());
            }
        }
        found
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn parse_line(text: &str) -> Option<(String, [u8; 32])> {
    let (name, hex) = text.split_once(' ')?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_allowed) {
        return None;
    }
    let digest = merkle::hash::from_hex(hex.trim().strip_prefix("sha256:")?)?;
    Some((name.to_owned(), digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_which_is_all_that_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let client = make_token(directory.path(), "default").unwrap();
        let token = read_secret(&client).unwrap();
        let server = directory.path().join(TOKENS_FILE);
        let kept = read_secret(&server).unwrap();
        assert!(token.trim().len() > 64 && !kept.contains(token.trim()), "{kept}");
        let tokens = Tokens::load(&server).unwrap();
        assert_eq!(tokens.name_of(token.trim()), Some("default"));
        for other in ["", "driftseal_", &token, &token.trim().to_uppercase(), kept.trim()] {
            assert_eq!(tokens.name_of(other), None, "{other}");
        }
        assert!(make_token(directory.path(), "again").is_err(), "a token is never replaced");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_tokens_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        make_token(directory.path(), "default").unwrap();
        let server = directory.path().join(TOKENS_FILE);
        std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Tokens::load(&server).unwrap_err().to_string();
        assert!(error.contains("other users may read it"), "{error}");
    }

    #[test]
    fn a_line_that_is_no_token_is_named() {
        let path = Path::new("t");
        let good = format!("ci sha256:{}", "ab".repeat(32));
        assert_eq!(Tokens::parse(path, &format!("# ours\n\n{good}\n")).unwrap().all.len(), 1);
        for wrong in [
            "ci",
            "ci sha256:abcd",
            &format!("a b sha256:{}", "ab".repeat(32)),
            &format!("ci md5:{}", "ab".repeat(32)),
            &format!("{good}\n{good}"),
        ] {
            let error = Tokens::parse(path, wrong).unwrap_err();
            assert!(matches!(error, AccessError::Line { .. }), "{wrong}: {error}");
        }
        assert!(matches!(Tokens::parse(path, "").unwrap_err(), AccessError::Count { .. }));
    }
}
