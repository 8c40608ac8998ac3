//! Files that hold secrets, and the directories of keys: who else may use them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use thiserror::Error;

/// Largest file of a secret, bytes.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a file is not used. The message does not name it: its reader knows the setting that does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(String),
    /// It is a directory, a pipe or a device.
    #[error("it is not a file")]
    NotAFile,
    /// Other users may read or change it.
    #[error(
        "other users may {may} it (its mode is {mode:04o}); `chmod {set}` it, and consider what it \
         holds known to them"
    )]
    Exposed {
        /// What they may do.
        may: &'static str,
        /// Its permissions.
        mode: u32,
        /// The permissions to set.
        set: &'static str,
    },
    /// Other users may put files into the directory, or replace those in it.
    #[error("other users may write to the directory (its mode is {mode:04o}); `chmod 755` it")]
    OpenDirectory {
        /// Its permissions.
        mode: u32,
    },
    /// It is larger than a secret is.
    #[error("the file has {bytes} bytes; the limit is {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// Reads a secret: text that nobody but the owner, and at most its group, may read, and nobody but the
/// owner may change. (The group may read because orchestrators give a process its secrets by group.)
///
/// # Errors
///
/// See [`FileError`].
pub fn read_secret(path: &Path) -> Result<String, FileError> {
    read_secret_of(path, SECRET_BYTES_MAX)
}

/// As [`read_secret`], for files of at most so many bytes.
///
/// # Errors
///
/// See [`FileError`].
pub fn read_secret_of(path: &Path, bytes_max: u64) -> Result<String, FileError> {
    // Before it is opened: opening a pipe waits for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(FileError::NotAFile);
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if let Some(mode) = mode(&about) {
        if mode & 0o022 != 0 {
            return Err(FileError::Exposed { may: "change", mode, set: "600" });
        }
        if mode & 0o004 != 0 {
            return Err(FileError::Exposed { may: "read", mode, set: "600" });
        }
    }
    if about.len() > bytes_max {
        return Err(FileError::TooLarge { bytes: about.len(), bytes_max });
    }
    let mut text = String::new();
    file.take(bytes_max).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a new file that only its owner may read and change. It survives power loss once the
/// directory is synchronized.
///
/// # Errors
///
/// [`FileError::Io`]; also if the file exists.
pub fn write_secret(path: &Path, text: &str) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    restrict(&mut options);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Writes a file that only its owner may read and change, in place of the one that is there. Whoever reads
/// sees the one before or this one, also after a power loss.
///
/// # Errors
///
/// [`FileError::Io`]. The file is as it was.
pub fn replace_secret(path: &Path, text: &str) -> Result<(), FileError> {
    let new = path.with_extension("new");
    // What an interrupted change left behind.
    if new.exists() {
        std::fs::remove_file(&new)?;
    }
    write_secret(&new, text)?;
    std::fs::rename(&new, path)?;
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Checks that nobody but the owner may put files into a directory or replace those in it.
///
/// # Errors
///
/// See [`FileError`].
pub fn check_directory(path: &Path) -> Result<(), FileError> {
    match mode(&std::fs::metadata(path)?) {
        Some(mode) if mode & 0o022 != 0 => Err(FileError::OpenDirectory { mode }),
        Some(_) | None => Ok(()),
    }
}

/// Makes a directory, and those above it, into which only the owner may put files.
///
/// # Errors
///
/// [`FileError::Io`].
pub fn make_directory(path: &Path) -> Result<(), FileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    own(&mut builder);
    Ok(builder.create(path)?)
}

#[cfg(unix)]
fn mode(about: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Some(about.mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_about: &Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
pub(crate) fn restrict(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn restrict(_options: &mut OpenOptions) {}

#[cfg(unix)]
fn own(builder: &mut std::fs::DirBuilder) {
    use std::os::unix::fs::DirBuilderExt as _;
    builder.mode(0o755);
}

#[cfg(not(unix))]
fn own(_builder: &mut std::fs::DirBuilder) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_secret_is_for_its_owner_and_at_most_readable_by_the_group() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        write_secret(&path, "hunter2").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_secret(&path, "again").is_err(), "a secret is never replaced");
        for good in [0o600, 0o400, 0o640, 0o440] {
            set(&path, good);
            assert_eq!(read_secret(&path).unwrap(), "hunter2", "{good:o}");
        }
        for bad in [0o644, 0o604, 0o660, 0o602, 0o620, 0o777] {
            set(&path, bad);
            let error = read_secret(&path).unwrap_err();
            assert!(matches!(error, FileError::Exposed { .. }), "{bad:o}: {error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        assert_eq!(read_secret(directory.path()), Err(FileError::NotAFile));
        set(&path, 0o600);
        std::fs::write(&path, "x".repeat(70_000)).unwrap();
        assert_eq!(
            read_secret(&path),
            Err(FileError::TooLarge { bytes: 70_000, bytes_max: 65_536 })
        );
        assert!(read_secret_of(&path, 70_000).is_ok());
        replace_secret(&path, "new").unwrap();
        assert_eq!(read_secret(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let keys = directory.path().join("a/keys");
        make_directory(&keys).unwrap();
        assert_eq!(check_directory(&keys), Ok(()));
        for bad in [0o777, 0o775, 0o1777, 0o722] {
            set(&keys, bad);
            assert_eq!(check_directory(&keys), Err(FileError::OpenDirectory { mode: bad }));
        }
        set(&keys, 0o700);
        assert_eq!(check_directory(&keys), Ok(()));
    }
}
