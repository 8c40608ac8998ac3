//! Files that people hand in.

use std::fs::File;
use std::path::Path;

use pack::{Judged, Seekable, Trust};
use segment::policy::Policy;

use crate::EvidenceError;

/// Verifies a file: a pack, the proof of one event, or the proof that a log went on. Without a policy the answer is UNVERIFIABLE at
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

/// Reads the signed checkpoint that a file is or holds: a checkpoint, a pack, or a proof. Nothing of
/// it is verified.
///
/// # Errors
///
/// [`EvidenceError::File`]; [`EvidenceError::Log`] if there is no checkpoint.
pub fn read_checkpoint(path: &Path) -> Result<String, EvidenceError> {
    let bytes =
        File::open(path).and_then(Seekable::new).map_err(|error| unreadable(path, error))?;
    pack::checkpoint_in(&bytes).map_err(EvidenceError::Log)
}

/// Reads a consistency document from a file; of one that is too large only what shows it.
///
/// # Errors
///
/// [`EvidenceError::File`].
pub fn read_consistency(path: &Path) -> Result<Vec<u8>, EvidenceError> {
    let read = File::open(path).and_then(Seekable::new).and_then(|bytes| pack::document(&bytes));
    read.map_err(|error| unreadable(path, error))
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
