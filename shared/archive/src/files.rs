//! How an object gets onto a disk so that power loss finds it whole or absent.
//!
//! Order of one write: the object's directory and its parents are created and synced; the bytes
//! are written to a staged file and *the file is synced*; the staged file is linked (create) or
//! renamed (replace) to its name; *the directory is synced*. Only then does the caller hear `Ok`.
//! If the process dies after any step, what is left over is a staged file that nobody reads.
//!
//! [`Files`] is the handful of operations this takes. The tests replace it by a disk that forgets
//! what was not synced.

use std::collections::HashSet;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Directory of staged files, below the root. Their names end in `#1`, which the store below
/// takes for an upload under way and does not list.
pub(crate) const STAGING: &str = ".staging";

/// Operations on files. Nothing is durable that was not synced.
pub(crate) trait Files: Send + Sync + Debug {
    /// An open file.
    type Open;
    /// Creates a file, which must not exist, with these bytes.
    fn write_new(&self, path: &Path, parts: &[Bytes]) -> io::Result<Self::Open>;
    /// Makes the content of a file durable.
    fn sync_file(&self, file: &Self::Open) -> io::Result<()>;
    /// Gives a file a second name, which must not exist.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Creates a directory; its parent exists.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// Whether an existing object is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is.
    Create,
    /// It is replaced.
    Replace,
}

/// Writes objects below a root.
#[derive(Debug)]
pub(crate) struct Writer<F> {
    root: PathBuf,
    files: F,
    staged: AtomicU64,
    /// Directories whose own entry this process has synced. One that merely exists may have been
    /// created by a process that died before it synced.
    settled: Mutex<HashSet<PathBuf>>,
}

impl<F: Files> Writer<F> {
    pub(crate) fn new(root: PathBuf, files: F) -> Self {
        Self { root, files, staged: AtomicU64::new(0), settled: Mutex::default() }
    }

    /// Writes an object. `target` is below the root.
    pub(crate) fn put(&self, target: &Path, parts: &[Bytes], mode: Mode) -> io::Result<()> {
        let outcome = self.attempt(target, parts, mode);
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            // A directory that was there is gone: the archive was mounted anew, or put back from a copy.
            // Nothing was named yet.
            self.settled.lock().unwrap_or_else(PoisonError::into_inner).clear();
            return self.attempt(target, parts, mode);
        }
        outcome
    }

    fn attempt(&self, target: &Path, parts: &[Bytes], mode: Mode) -> io::Result<()> {
        let parent = target
            .parent()
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "an object needs a name"))?;
        self.settle(parent)?;
        let (staged, file) = self.stage(parts)?;
        let named = self.files.sync_file(&file).and_then(|()| match mode {
            Mode::Create => self.files.link(&staged, target),
            Mode::Replace => self.files.rename(&staged, target),
        });
        if mode == Mode::Create || named.is_err() {
            // Left behind at worst, and cleaned at the next opening.
            drop(self.files.remove(&staged));
        }
        let exists = named.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
        if named.is_ok() || exists {
            // Also when it exists: whoever hears so will build on it, and its writer may have
            // died before this step.
            self.files.sync_dir(parent)?;
        }
        named
    }

    /// Writes the bytes to a file that nobody reads.
    fn stage(&self, parts: &[Bytes]) -> io::Result<(PathBuf, F::Open)> {
        let directory = self.root.join(STAGING);
        self.settle(&directory)?;
        loop {
            let number = self.staged.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{}-{number}#1", std::process::id()));
            match self.files.write_new(&path, parts) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    drop(self.files.remove(&path));
                    return Err(error);
                }
            }
        }
    }

    /// Creates a directory and its parents up to the root, and makes their names durable.
    fn settle(&self, directory: &Path) -> io::Result<()> {
        if directory == self.root || self.is_settled(directory) {
            return Ok(());
        }
        let parent = directory
            .parent()
            .filter(|parent| parent.starts_with(&self.root))
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a path outside the archive"))?;
        self.settle(parent)?;
        match self.files.create_dir(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => self.files.sync_dir(parent)?,
        }
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.insert(directory.to_owned());
        Ok(())
    }

    fn is_settled(&self, directory: &Path) -> bool {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).contains(directory)
    }
}

/// The operating system's files.
#[derive(Debug)]
pub(crate) struct OsFiles;

impl Files for OsFiles {
    type Open = File;

    fn write_new(&self, path: &Path, parts: &[Bytes]) -> io::Result<File> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // The lock says that its writer lives; cleaning leaves locked files alone. If a cleaner
        // was quicker, the file is his and this name is as good as taken.
        if file.try_lock().is_err() || !path.exists() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        for part in parts {
            file.write_all(part)?;
        }
        Ok(file)
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Windows cannot open directories as files and makes names durable by itself.
        if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
    }
}

/// Creates the root if need be and makes its name durable.
pub(crate) fn create_root(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root)?;
    for directory in root.canonicalize()?.ancestors().skip(1) {
        match OsFiles.sync_dir(directory) {
            // A directory that we may not even open is not one that we just created.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => break,
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Removes staged files whose writer is dead.
pub(crate) fn clean(root: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(STAGING)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let Ok(file) = OpenOptions::new().write(true).open(&path) else { continue };
        if file.try_lock().is_ok() {
            // Somebody else may clean at the same moment, or the archive be read-only.
            drop(fs::remove_file(&path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
