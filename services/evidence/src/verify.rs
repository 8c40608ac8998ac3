//! Files that people hand in.

use std::fs::File;
use std::path::Path;

use pack::{Judged, Seekable, Trust};
use segment::policy::Policy;

use crate::EvidenceError;

/// Verifies a file: a pack, or the proof of one event. Without a policy the answer is UNVERIFIABLE at
/// best.
///
/// # Errors
///
/// [`EvidenceError::File`]; what is wrong with its content is in the answer.
pub fn verify_file(path: &Path, trust: Trust<'_>) -> Result<Judged, EvidenceError> {
    let bytes =
        File::open(path).and_then(Seekable::new).map_err(|error| unreadable(path, error))?;
    Ok(pack::judge(&bytes, trust))
}

/// Reads a policy from a file.
///
/// # Errors
///
/// [`EvidenceError::File`], [`EvidenceError::Policy`].
pub fn read_policy(path: &Path) -> Result<Policy, EvidenceError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    Ok(Policy::parse(&text)?)
}

fn unreadable(path: &Path, error: std::io::Error) -> EvidenceError {
    EvidenceError::File { path: path.display().to_string(), error }
}
