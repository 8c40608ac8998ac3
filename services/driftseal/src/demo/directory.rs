//! The directory of a demo: owned by it, and cleaned at its start.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::outcome::Failure;

/// File that marks a directory as that of a demo.
const MARKER: &str = ".driftseal-demo";
/// Directories that a demo creates in it. Nothing else is ever removed.
const OWN: [&str; 3] = ["log", "archive", "keys"];
/// Files that a demo creates in it.
const OWN_FILES: [&str; 4] = ["driftseal.toml", "pack.zip", "pack.zip.part", "views.sql"];

/// Paths of a demo.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Prepares the directory; returns whether a previous demo was removed.
    pub(super) fn prepare(root: &Path) -> Result<(Self, bool), Failure> {
        let failed = |path: &Path, error: std::io::Error| {
            Failure::new(format!("failed to prepare `{}`: {error}", path.display()))
        };
        let directory = Self { root: root.to_owned() };
        let marker = root.join(MARKER);
        let mut entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(root).map_err(|error| failed(root, error))?;
                fs::read_dir(root).map_err(|error| failed(root, error))?
            }
            Err(error) => return Err(failed(root, error)),
        };
        let is_empty = entries.next().is_none();
        let was_ours = marker.is_file();
        if !is_empty && !was_ours {
            return Err(Failure::usage(format!(
                "`{}` is not empty and not the directory of a demo; choose another one with --dir",
                root.display()
            )));
        }
        if was_ours {
            for name in OWN {
                let path = root.join(name);
                if path.is_dir() {
                    fs::remove_dir_all(&path).map_err(|error| failed(&path, error))?;
                }
            }
            for name in OWN_FILES {
                let path = root.join(name);
                if path.is_file() {
                    fs::remove_file(&path).map_err(|error| failed(&path, error))?;
                }
            }
        }
        let text =
            "This directory belongs to `driftseal demo`. Its next run removes the demo's files.\n";
        fs::write(&marker, text).map_err(|error| failed(&marker, error))?;
        Ok((directory, was_ours))
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(super) fn archive(&self) -> PathBuf {
        self.root.join("archive")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub(super) fn policy(&self) -> PathBuf {
        self.keys().join("policy.txt")
    }

    pub(super) fn pack(&self) -> PathBuf {
        self.root.join("pack.zip")
    }

    pub(super) fn views(&self) -> PathBuf {
        self.root.join("views.sql")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.join("driftseal.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_demo_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("demo");
        let (directory, was_there) = Directory::prepare(&root).unwrap();
        assert!(!was_there);
        fs::create_dir_all(directory.archive().join("data")).unwrap();
        fs::write(root.join("notes.txt"), "mine").unwrap();
        let (directory, was_there) = Directory::prepare(&root).unwrap();
        assert!(was_there);
        assert!(!directory.archive().exists());
        assert_eq!(fs::read_to_string(root.join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("archive")).unwrap();
        let refused = Directory::prepare(parent.path()).unwrap_err();
        assert!(refused.message().contains("--dir"), "{}", refused.message());
        assert!(parent.path().join("archive").exists());
    }
}
