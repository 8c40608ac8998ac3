//! Creating a log: once, and on purpose.

use archive::{Archive, ArchiveError, Creation};
use segment::layout;
use segment::log::{CommitError, LogState};
use segment::manifest::{Installation, ManifestError};
use thiserror::Error;

use crate::Keys;
use crate::program::PROGRAM;

/// Why no log was created.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InitError {
    /// There is a log in the archive.
    #[error("there is a transparency log in the archive `{0}` already")]
    Exists(String),
    /// What the log should be for is not accepted.
    #[error("failed to create a transparency log: {0}")]
    Installation(#[from] ManifestError),
    /// The keys do not make a log that verifies.
    #[error("failed to create a transparency log: {0}")]
    Log(#[from] CommitError),
    /// The archive failed. If it was unavailable, the log may exist now; ask again.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Creates a log whose origin is the name of its key and whose only entry says what it is for, and
/// publishes its first checkpoint; not in a store that does not create conditionally.
///
/// # Errors
///
/// `Exists` and `Installation` without changing anything; `Archive`.
pub fn init_log(
    archive: &Archive,
    keys: &Keys,
    installation: Installation,
) -> Result<(), InitError> {
    let genesis = LogState::genesis(&keys.log, &keys.sealer, installation, PROGRAM)?;
    let (state, derived) = LogState::open_and_derive(&genesis.bytes, &keys.verifiers())?;
    let exists = || InitError::Exists(archive.location().to_owned());
    if archive.exists(&genesis.path)? {
        return Err(exists());
    }
    archive.check_create_if_absent()?;
    match archive.create_object(&genesis.path, &genesis.bytes.into())? {
        Creation::Ours => {}
        Creation::Theirs(_) => return Err(exists()),
    }
    for object in derived {
        archive.put(&object.path, object.bytes)?;
    }
    if let Some(head) = state.head() {
        archive.put(&layout::head(head.sequence), head.sign(&keys.log))?;
    }
    Ok(())
}
