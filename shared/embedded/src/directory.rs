//! The directory of a log: its format mark, its lock and its identity.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// File that marks a directory as an embedded log; locked while the log is open.
const MARK: &str = "driftseal-log";
const CONTENT: &str = "driftseal/embedded-log/v1\n";
const STORE: &str = "store";
/// File with the identity of the log, random bytes.
const ID: &str = "id";

/// Why a log cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Another process, or this one, has the log open.
    #[error(
        "failed to open the log in `{}`: another process has it open; stop that process or choose \
         another directory (`embedded.directory`)", directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory has other contents. Nothing was changed.
    #[error(
        "failed to open the log in `{}`: the directory is not empty and not a Driftseal log; choose \
         an empty or a new directory (`embedded.directory`)", directory.display()
    )]
    NotALog {
        /// The directory.
        directory: PathBuf,
    },
    /// The log has a format that this version does not support.
    #[error(
        "failed to open the log in `{}`: its format is `{format}`, this version supports only \
         `driftseal/embedded-log/v1`", directory.display()
    )]
    UnknownFormat {
        /// The directory.
        directory: PathBuf,
        /// The format in its mark.
        format: String,
    },
    /// An operation on the file system failed.
    #[error("failed to open the log in `{}`: {reason}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// The system's error.
        reason: String,
    },
    /// The store cannot be opened or read.
    #[error("failed to open the log in `{}`: its store is corrupt: {reason}", directory.display())]
    Damaged {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The lock on a directory, released on drop.
#[derive(Debug)]
pub(crate) struct Claim {
    // Locked; the lock ends when the file is closed, even if the process is killed.
    _mark: File,
}

/// A claimed directory.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) claim: Claim,
    /// Path of the store.
    pub(crate) store: PathBuf,
    /// Identity of the log.
    pub(crate) id: [u8; 16],
}

/// Locks a directory; creates it if it does not exist.
pub(crate) fn claim(directory: &Path) -> Result<Claimed, OpenError> {
    let io = |error: std::io::Error| OpenError::Io {
        directory: directory.to_owned(),
        reason: error.to_string(),
    };
    std::fs::create_dir_all(directory).map_err(io)?;
    let path = directory.join(MARK);
    let is_ours = path.try_exists().map_err(io)?;
    if !is_ours && std::fs::read_dir(directory).map_err(io)?.next().is_some() {
        return Err(OpenError::NotALog { directory: directory.to_owned() });
    }
    let mut mark = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io)?;
    match mark.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { directory: directory.to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(io(error)),
    }
    let mut format = String::new();
    mark.read_to_string(&mut format).map_err(io)?;
    let store = directory.join(STORE);
    // Empty if an earlier process crashed before it wrote the mark; then there is no store yet.
    if format.is_empty() && !store.try_exists().map_err(io)? {
        mark.write_all(CONTENT.as_bytes()).map_err(io)?;
        mark.sync_all().map_err(io)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
    } else if format != CONTENT {
        let format = format.trim_end().chars().take(80).collect();
        return Err(OpenError::UnknownFormat { directory: directory.to_owned(), format });
    }
    let id = identity(directory)?;
    Ok(Claimed { claim: Claim { _mark: mark }, store, id })
}

/// The identity of the log in a locked directory, created on first use.
fn identity(directory: &Path) -> Result<[u8; 16], OpenError> {
    let io = |reason: String| OpenError::Io { directory: directory.to_owned(), reason };
    let path = directory.join(ID);
    match std::fs::read(&path) {
        Ok(bytes) => {
            return <[u8; 16]>::try_from(bytes).map_err(|bytes| OpenError::Damaged {
                directory: directory.to_owned(),
                reason: format!("`{ID}` has {} bytes, not 16", bytes.len()),
            });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error.to_string())),
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| io(format!("failed to get random bytes: {error}")))?;
    // Atomic, also across a power failure.
    let new = directory.join("id.new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(&id)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| io(error.to_string()))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_something_else_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("letter.txt"), "dear").unwrap();
        let error = claim(directory.path()).unwrap_err();
        assert_eq!(error, OpenError::NotALog { directory: directory.path().to_owned() });
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_is_claimed_once_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = claim(directory.path()).unwrap();
        let error = claim(directory.path()).unwrap_err();
        assert_eq!(error, OpenError::InUse { directory: directory.path().to_owned() });
        drop(first);
        let again = claim(directory.path()).unwrap();
        assert_ne!(again.id, [0; 16]);
        drop(again);
        let other = tempfile::tempdir().unwrap();
        let before = claim(directory.path()).unwrap().id;
        assert_ne!(claim(other.path()).unwrap().id, before);
        assert_eq!(claim(directory.path()).unwrap().id, before);
    }

    #[test]
    fn a_later_format_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(MARK), "driftseal/embedded-log/v2\n").unwrap();
        let error = claim(directory.path()).unwrap_err();
        assert!(matches!(error, OpenError::UnknownFormat { format, .. } if format.ends_with("v2")));
    }

    #[test]
    fn a_claim_that_died_half_way_is_taken_up() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(MARK), "").unwrap();
        claim(directory.path()).unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join(MARK)).unwrap(), CONTENT);
    }
}
