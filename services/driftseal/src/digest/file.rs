//! The digest of a file, read as it is, in pieces.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use merkle::Hash;
use merkle::hash::Running;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// What a file of Git LFS begins with where its content was not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A file that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    /// SHA-256 of its bytes.
    pub(super) digest: Hash,
    is_pointer: bool,
}

impl Read {
    /// What a person should look at.
    pub(super) fn remark(&self, path: &Path) -> Option<String> {
        self.is_pointer.then(|| {
            format!(
                "`{}` is a pointer of Git LFS, not the file itself: the digest is of the pointer \
                 (`git lfs pull` fetches it)",
                path.display()
            )
        })
    }
}

/// Reads a regular file. One that changes meanwhile is refused: there is no state that the digest is of.
pub(super) fn read(path: &Path) -> Result<Read, String> {
    let said = |error: std::io::Error| error.to_string();
    // Whatever else there may be, such as a pipe, could wait for ever when it is opened.
    if !std::fs::metadata(path).map_err(said)?.is_file() {
        return Err("it is neither a file nor a directory".to_owned());
    }
    let mut file = File::open(path).map_err(said)?;
    let before = file.metadata().map_err(said)?;
    let mut running = Running::default();
    let mut piece = vec![0; PIECE_BYTES];
    let (mut length, mut is_pointer) = (0_u64, false);
    loop {
        let count = file.read(&mut piece).map_err(said)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        is_pointer |= length == 0 && read.starts_with(LFS_POINTER);
        running.update(read);
        length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    let after = file.metadata().map_err(said)?;
    if after.len() != length || after.modified().ok() != before.modified().ok() {
        return Err("it changed while it was read".to_owned());
    }
    Ok(Read { digest: running.finish(), is_pointer })
}
