//! Creating a log: once, and on purpose.

use archive::{Archive, ArchiveError};
use merkle::note::SigningKey;
use segment::layout;
use segment::log::LogState;
use thiserror::Error;

/// Why no log was created.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InitError {
    /// There is a log in the archive.
    #[error("there is a transparency log in the archive `{0}` already")]
    Exists(String),
    /// The archive failed. If it was unavailable, the log may exist now; ask again.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Creates an empty log, whose origin is the name of its key, and publishes its first checkpoint.
///
/// # Errors
///
/// `Exists` without changing anything; `Archive`.
pub fn init_log(archive: &Archive, key: &SigningKey) -> Result<(), InitError> {
    let genesis = LogState::genesis(key);
    let state = LogState::open(&genesis.bytes, &[key.verifier()]);
    archive.put_new(&genesis.path, genesis.bytes).map_err(|error| {
        if matches!(error, ArchiveError::AlreadyExists { .. }) {
            InitError::Exists(archive.location().to_owned())
        } else {
            InitError::Archive(error)
        }
    })?;
    if let Ok(state) = state {
        archive.put(layout::CHECKPOINT, state.checkpoint().to_owned())?;
    }
    Ok(())
}
