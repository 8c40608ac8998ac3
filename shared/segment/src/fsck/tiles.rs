//! Tiles and entry bundles that an archive holds, against what the entries imply.
//!
//! A partial tile is the beginning of the full one, so all of them, of any age, are compared with
//! the final tree; nothing has to be known of when they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use merkle::{Hash, rfc6962, tile};

use crate::layout;

/// Hashes of a full tile, entries of a full bundle.
const WIDTH: usize = 256;

/// An object to read and what it must hold.
#[derive(Debug)]
pub(super) struct Derived {
    pub(super) path: String,
    content: Content,
}

impl Derived {
    /// Whether it is of the end of the tree, and another takes its place when the tree grows.
    pub(super) fn is_partial(&self) -> bool {
        self.path.contains(".p/")
    }
}

#[derive(Debug)]
enum Content {
    Bundle { entries: Arc<Vec<Vec<u8>>>, width: usize },
    Hashes { level: u8, index: u64, width: u64 },
}

/// What the path of a tile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TileName {
    /// `None` for an entry bundle.
    level: Option<u8>,
    index: u64,
    width: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tiles {
    /// Widths of the listed bundles, by index.
    bundles: BTreeMap<u64, Vec<u64>>,
    /// Listed tiles of hashes: level, index, width.
    tiles: BTreeSet<(u8, u64, u64)>,
    /// Entries of the bundle that is being filled, and its index.
    filling: Vec<Vec<u8>>,
    index: u64,
    /// Hashes of the tree at each level of tiles; complete after [`Self::end`].
    levels: Vec<Vec<Hash>>,
}

impl Tiles {
    /// Notes a listed object; `false` if it is not the path of a tile.
    pub(super) fn list(&mut self, path: &str) -> bool {
        let Some(name) = TileName::parse(path) else { return false };
        match name.level {
            None => self.bundles.entry(name.index).or_default().push(name.width),
            Some(level) => {
                self.tiles.insert((level, name.index, name.width));
            }
        }
        true
    }

    /// Adds the next entry of the log; gives the bundles that can be read now.
    pub(super) fn append(&mut self, leaf: Hash, envelope: String) -> Vec<Derived> {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        if let Some(leaves) = self.levels.first_mut() {
            leaves.push(leaf);
        }
        self.filling.push(envelope.into_bytes());
        if self.filling.len() < WIDTH {
            return Vec::new();
        }
        let index = self.index;
        self.index = index.saturating_add(1);
        self.expect_bundle(index, WIDTH);
        let entries = Arc::new(std::mem::take(&mut self.filling));
        self.take_bundles(index, &entries)
    }

    /// No entry follows. Gives what can be read now, what should be there and was not listed among it,
    /// and the paths (of the archive) that should not be there and are.
    pub(super) fn end(&mut self) -> (Vec<Derived>, Vec<String>) {
        while let Some(level) = self.levels.last().filter(|level| level.len() >= WIDTH) {
            self.levels.push(level.chunks_exact(WIDTH).map(rfc6962::root).collect());
        }
        let size = self.levels.first().map_or(0, Vec::len);
        self.expect_bundle(self.index, self.filling.len());
        for (level, hashes) in (0_u8..).zip(&self.levels) {
            for (index, width) in cover(hashes.len()) {
                self.tiles.insert((level, index, width));
            }
        }
        let entries = Arc::new(std::mem::take(&mut self.filling));
        let mut reads = self.take_bundles(self.index, &entries);
        let mut unexpected: Vec<String> = Vec::new();
        for (index, widths) in &self.bundles {
            for width in widths {
                if index.saturating_mul(tile::WIDTH_MAX).saturating_add(*width) > size as u64 {
                    unexpected.push(layout::tile(&tile::entries_path(*index, *width)));
                }
            }
        }
        for (level, index, width) in self.tiles.clone() {
            let path = layout::tile(&tile::hash_tile_path(level, index, width));
            if self.hashes(level, index, width).is_some() {
                reads.push(Derived { path, content: Content::Hashes { level, index, width } });
            } else {
                unexpected.push(path);
            }
        }
        (reads, unexpected)
    }

    /// Adds a bundle that must be there, unless it was listed.
    fn expect_bundle(&mut self, index: u64, width: usize) {
        let widths = self.bundles.entry(index).or_default();
        if width > 0 && !widths.contains(&(width as u64)) {
            widths.push(width as u64);
        }
    }

    /// The bytes that the object must hold.
    pub(super) fn expected(&self, derived: &Derived) -> Vec<u8> {
        match &derived.content {
            Content::Bundle { entries, width } => {
                tile::encode_bundle(entries.get(..*width).unwrap_or_default())
            }
            Content::Hashes { level, index, width } => {
                self.hashes(*level, *index, *width).unwrap_or_default().concat()
            }
        }
    }

    fn hashes(&self, level: u8, index: u64, width: u64) -> Option<&[Hash]> {
        let start = usize::try_from(index.checked_mul(tile::WIDTH_MAX)?).ok()?;
        let end = start.checked_add(usize::try_from(width).ok()?)?;
        self.levels.get(usize::from(level))?.get(start..end)
    }

    fn take_bundles(&self, index: u64, entries: &Arc<Vec<Vec<u8>>>) -> Vec<Derived> {
        let widths = self.bundles.get(&index).into_iter().flatten();
        widths
            .filter_map(|width| {
                let count = usize::try_from(*width).ok().filter(|count| *count <= entries.len())?;
                Some(Derived {
                    path: layout::tile(&tile::entries_path(index, *width)),
                    content: Content::Bundle { entries: Arc::clone(entries), width: count },
                })
            })
            .collect()
    }
}

/// Index and width of the tiles that hold so many hashes.
fn cover(count: usize) -> impl Iterator<Item = (u64, u64)> {
    (0_u64..)
        .zip((0..count).step_by(WIDTH))
        .map(move |(index, start)| (index, count.saturating_sub(start).min(WIDTH) as u64))
}

impl TileName {
    /// Of a path in the archive; only the exact form is accepted.
    fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(layout::LOG)?.strip_prefix("/tile/")?;
        let (level, number) = rest.split_once('/')?;
        let level = if level == "entries" { None } else { Some(level.parse().ok()?) };
        let (number, width) = match number.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (number, tile::WIDTH_MAX),
        };
        let index = number
            .split('/')
            .map(|part| part.trim_start_matches('x').parse::<u64>().ok())
            .try_fold(0_u64, |index, part| index.checked_mul(1_000)?.checked_add(part?))?;
        let name = Self { level, index, width };
        (width > 0 && name.path() == path).then_some(name)
    }

    fn path(self) -> String {
        layout::tile(&match self.level {
            None => tile::entries_path(self.index, self.width),
            Some(level) => tile::hash_tile_path(level, self.index, self.width),
        })
    }
}

#[cfg(test)]
mod tests {
    use merkle::hash;

    use super::*;

    #[test]
    fn only_exact_paths_of_tiles_parse() {
        for path in ["log/tile/0/x001/x234/067", "log/tile/entries/000.p/7", "log/tile/2/005.p/1"] {
            assert!(TileName::parse(path).is_some_and(|name| name.path() == path), "{path}");
        }
        for path in
            ["log/tile/0/0", "log/tile/0/001.p/256", "log/tile/00/001", "log/tile/0/x01/001"]
        {
            assert_eq!(TileName::parse(path), None, "{path}");
        }
    }

    #[test]
    fn what_a_growing_log_writes_is_what_is_expected_of_it() {
        let entries: Vec<Vec<u8>> = (0..600_u32).map(|i| i.to_be_bytes().to_vec()).collect();
        let leaves: Vec<_> = entries.iter().map(|entry| hash::leaf(entry)).collect();
        let mut objects = BTreeMap::new();
        let mut size = 0;
        for step in [3, 252, 1, 200, 144] {
            let from = size - size % 256;
            size += step;
            objects.extend(tile::tiles_for((size - step) as u64, &leaves[..size]));
            objects.extend(tile::bundles_for((size - step) as u64, &entries[from..size]));
        }
        let mut tiles = Tiles::default();
        for path in objects.keys() {
            assert!(tiles.list(&layout::tile(path)), "{path}");
        }
        let mut reads = Vec::new();
        for (leaf, entry) in leaves.iter().zip(&entries) {
            let text = String::from_utf8_lossy(entry).into_owned();
            if text.as_bytes() == entry {
                reads.extend(tiles.append(*leaf, text));
            } else {
                // Envelopes are texts; here any bytes will do.
                reads.extend(tiles.append(*leaf, String::new()));
                if let Some(last) = tiles.filling.last_mut() {
                    last.clone_from(entry);
                }
            }
        }
        let (rest, unexpected) = tiles.end();
        reads.extend(rest);
        assert!(unexpected.is_empty(), "{unexpected:?}");
        assert_eq!(reads.len(), objects.len(), "none that was not listed");
        for read in reads.iter().filter(|read| matches!(read.content, Content::Hashes { .. })) {
            let path = read.path.strip_prefix("log/").unwrap();
            assert_eq!(Some(&tiles.expected(read)), objects.get(path), "{path}");
        }
    }
}
