//! Files that people hand in.

use std::path::Path;

use pack::Report;
use segment::policy::Policy;

use crate::EvidenceError;

/// Verifies a pack in a file; without a policy the answer is UNVERIFIABLE at best.
///
/// # Errors
///
/// [`EvidenceError::File`]; what is wrong with the pack is in the report.
pub fn verify_file(path: &Path, policy: Option<&Policy>) -> Result<Report, EvidenceError> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    Ok(pack::verify(&bytes.into(), policy))
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
