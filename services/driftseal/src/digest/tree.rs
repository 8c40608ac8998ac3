//! The digest of a directory: a Merkle tree (RFC 6962) over its files, links and empty directories in the
//! order of their paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use merkle::{Hash, hash, rfc6962};

use super::file;

/// What every leaf begins with.
const DOMAIN: &[u8] = b"driftseal/tree/v1\n";
/// Most files, links and empty directories.
const ENTRIES_MAX: usize = 1_000_000;
/// Problems that are told; there may be as many as files.
const PROBLEMS_MAX: usize = 10;
/// Remarks that are told.
const REMARKS_MAX: usize = 10;

/// A directory that was read.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Hash,
    /// Regular files.
    pub(super) files: u64,
    pub(super) remarks: Vec<String>,
}

/// Why a directory has no digest.
#[derive(Debug, Default)]
pub(super) struct Problems {
    told: Vec<String>,
    more: usize,
}

impl Problems {
    fn add(&mut self, path: &Path, reason: impl fmt::Display) {
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(format!("`{}`: {reason}", path.display()));
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.told.join("; "))?;
        if self.more > 0 { write!(f, "; and {} more", self.more) } else { Ok(()) }
    }
}

/// What a path of the tree is.
#[derive(Debug)]
enum Entry {
    File(Hash),
    Link(Vec<u8>),
    EmptyDirectory,
}

/// What was found below a directory.
#[derive(Debug, Default)]
struct Found {
    entries: BTreeMap<Vec<u8>, Entry>,
    directories: BTreeSet<Vec<u8>>,
    remarks: Vec<String>,
    problems: Problems,
}

/// Reads a directory.
pub(super) fn read(root: &Path) -> Result<Tree, Problems> {
    let mut found = Found::default();
    let mut open: Vec<(PathBuf, Vec<u8>)> = vec![(root.to_owned(), Vec::new())];
    while let Some((directory, below)) = open.pop() {
        let children = found.children(&directory, below, &mut open);
        if let Err(error) = children {
            found.problems.add(&directory, error);
        }
        if found.entries.len() > ENTRIES_MAX {
            let reason = format!("more than {ENTRIES_MAX} files; give directories below it");
            found.problems.add(root, reason);
            return Err(found.problems);
        }
    }
    found.check_links(root);
    if found.problems.told.is_empty() && !found.entries.values().any(Entry::is_content) {
        found.problems.add(root, "holds no file");
    }
    if !found.problems.told.is_empty() {
        return Err(found.problems);
    }
    let leaves: Vec<Hash> = found.entries.iter().map(|(path, entry)| leaf(path, entry)).collect();
    let files = found.entries.values().filter(|entry| matches!(entry, Entry::File(_))).count();
    let files = u64::try_from(files).unwrap_or(u64::MAX);
    Ok(Tree { root: rfc6962::root(&leaves), files, remarks: found.remarks })
}

impl Entry {
    const fn is_content(&self) -> bool {
        matches!(self, Self::File(_) | Self::Link(_))
    }
}

impl Found {
    /// Takes what is directly in a directory.
    fn children(
        &mut self,
        directory: &Path,
        below: Vec<u8>,
        open: &mut Vec<(PathBuf, Vec<u8>)>,
    ) -> std::io::Result<()> {
        let mut is_empty = true;
        for child in std::fs::read_dir(directory)? {
            let child = child?;
            is_empty = false;
            let (path, name) = (child.path(), child.file_name());
            if name == ".git" {
                self.problems.add(&path, "is not part of a version: give the directory below it");
                continue;
            }
            if name.to_str().is_none() && !cfg!(unix) {
                self.problems.add(&path, "its name is not Unicode");
                continue;
            }
            let mut relative = below.clone();
            if !relative.is_empty() {
                relative.push(b'/');
            }
            relative.extend_from_slice(name.as_encoded_bytes());
            let kind = child.file_type()?;
            if kind.is_dir() {
                open.push((path, relative));
                continue;
            }
            let entry = if kind.is_symlink() { self.link(&path) } else { self.file(&path) };
            if let Some(entry) = entry {
                self.entries.insert(relative, entry);
            }
        }
        if is_empty && !below.is_empty() {
            self.entries.insert(below.clone(), Entry::EmptyDirectory);
        }
        self.directories.insert(below);
        Ok(())
    }

    fn link(&mut self, path: &Path) -> Option<Entry> {
        match std::fs::read_link(path) {
            Ok(target) => Some(Entry::Link(target.as_os_str().as_encoded_bytes().to_vec())),
            Err(error) => {
                self.problems.add(path, error);
                None
            }
        }
    }

    fn file(&mut self, path: &Path) -> Option<Entry> {
        match file::read(path) {
            Ok(read) => {
                if self.remarks.len() < REMARKS_MAX {
                    self.remarks.extend(read.remark(path));
                }
                Some(Entry::File(read.digest))
            }
            Err(reason) => {
                self.problems.add(path, reason);
                None
            }
        }
    }

    /// A link to something else than an entry or directory of the tree would stand for content that the
    /// digest does not cover.
    fn check_links(&mut self, root: &Path) {
        for (path, entry) in &self.entries {
            let Entry::Link(target) = entry else { continue };
            let leads = resolve(path, target)
                .is_some_and(|at| self.directories.contains(&at) || self.entries.contains_key(&at));
            if !leads {
                let at = root.join(String::from_utf8_lossy(path).as_ref());
                self.problems.add(&at, "is a link to what is not in the directory");
            }
        }
    }
}

/// The path in the tree that a link names, by its text alone; `None` if it leaves the tree.
fn resolve(link: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let mut at: Vec<&[u8]> = link.split(|byte| *byte == b'/').collect();
    at.pop();
    if target.starts_with(b"/") {
        return None;
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                at.pop()?;
            }
            name => at.push(name),
        }
    }
    Some(at.join(&b'/'))
}

fn leaf(path: &[u8], entry: &Entry) -> Hash {
    let (letter, digest) = match entry {
        Entry::File(digest) => (b'f', Some(*digest)),
        Entry::Link(target) => (b'l', Some(hash::sha256(target))),
        Entry::EmptyDirectory => (b'd', None),
    };
    let Ok(length) = u32::try_from(path.len()) else { unreachable!("a path has less than 4 GiB") };
    let mut data = DOMAIN.to_vec();
    data.push(letter);
    data.extend_from_slice(&length.to_be_bytes());
    data.extend_from_slice(path);
    data.extend(digest.iter().flatten());
    hash::leaf(&data)
}
