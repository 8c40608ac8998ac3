//! What an archive lists, before anything of it is read.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Progress;
use super::request::Listed;
use super::tiles::Tiles;
use crate::layout;

/// Most bytes of an object of the log: more than a commit of as many entries as it may have. Larger
/// ones are not read.
pub const LOG_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Listed objects that nothing was found to name yet.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sequence numbers of the commit objects that are not read yet.
    pub(super) commits: BTreeSet<u64>,
    /// Sequence numbers of the heads whose commits are not read yet.
    pub(super) heads: BTreeSet<u64>,
    /// Objects of segments that no manifest has named yet, and their sizes.
    pub(super) unnamed: BTreeMap<String, u64>,
    /// Objects of the log that are too large to be any, and their sizes.
    pub(super) oversized: BTreeMap<String, u64>,
    /// Whether there is any object.
    pub(super) any: bool,
}

impl Listing {
    /// Adds an object; its path if no object is of that name.
    pub(super) fn add(
        &mut self,
        object: Listed,
        tiles: &mut Tiles,
        progress: &mut Progress,
    ) -> Option<String> {
        let Listed { path, size_bytes } = object;
        progress.bytes_total = progress.bytes_total.saturating_add(size_bytes);
        self.any = true;
        let is_of_log = path.starts_with("log/");
        if is_of_log && size_bytes > LOG_BYTES_MAX {
            self.oversized.insert(path.clone(), size_bytes);
        }
        if let Some(sequence) = layout::parse_commit(&path) {
            self.commits.insert(sequence);
            progress.commits_total = progress.commits_total.saturating_add(1);
        } else if let Some(sequence) = layout::parse_head(&path) {
            self.heads.insert(sequence);
        } else if path == layout::CHECKPOINT {
            // It is read when the commits are.
        } else if layout::SegmentName::is_orphan(&path) {
            // The object that it is about is unnamed, and said to be.
        } else if is_of_log {
            return (!tiles.list(&path)).then_some(path);
        } else {
            if layout::SegmentName::parse(&path).is_some() {
                progress.segments_total = progress.segments_total.saturating_add(1);
            }
            self.unnamed.insert(path, size_bytes);
        }
        None
    }
}
