//! Changes of the file of credentials, by commands.

use std::fs::OpenOptions;
use std::path::Path;

use ::access::{Credentials, Token};

use super::{AccessError, read};
use crate::files::{FileError, replace_secret, restrict};

/// Changes the file of credentials, which need not exist; nobody else changes it meanwhile, and whoever
/// reads it sees it as it was or as it is now.
///
/// # Errors
///
/// `File`, `Content`: nothing was changed. What `change` refuses; nothing was changed either.
pub fn change<T, E: From<AccessError>>(
    path: &Path,
    change: impl FnOnce(&mut Credentials) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |error: FileError| AccessError::File { path: path.to_owned(), error };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    restrict(&mut options);
    // Held until the end of the process that has it, so a command that was killed leaves none behind.
    let lock = options.open(path.with_extension("lock")).map_err(|error| failed(error.into()))?;
    lock.lock().map_err(|error| failed(error.into()))?;
    let mut credentials = if path.exists() { read(path)?.1 } else { Credentials::default() };
    let made = change(&mut credentials)?;
    let text = credentials.to_text();
    // What could not be read again is not written.
    Credentials::parse(&text)
        .map_err(|error| AccessError::Content { path: path.to_owned(), error })?;
    replace_secret(path, &text).map_err(failed)?;
    Ok(made)
}

/// A new token.
///
/// # Errors
///
/// `Random`.
pub fn make_token() -> Result<Token, AccessError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
    Ok(Token::from_bytes(&bytes))
}
