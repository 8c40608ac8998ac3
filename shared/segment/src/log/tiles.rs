//! Tiles and entry bundles of a growing log, with memory for the unfinished ones only.

use bytes::Bytes;
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash, rfc6962, tile};

use crate::layout;

/// Hashes in a full tile.
const WIDTH: usize = 256;

/// An object that follows from the commits and can be written again at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedObject {
    /// Path in the archive.
    pub path: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// The unfinished tile of a level.
#[derive(Debug, Clone, Default)]
struct Level {
    /// Full tiles before it.
    full: u64,
    hashes: Vec<Hash>,
}

/// The unfinished tiles and the unfinished bundle.
#[derive(Debug, Clone, Default)]
pub(super) struct Tiles {
    levels: Vec<Level>,
    entries: Vec<Vec<u8>>,
}

impl Tiles {
    /// Appends an entry; gives the tiles and the bundle that it makes full.
    pub(super) fn append(
        &mut self,
        leaf: Hash,
        envelope: &str,
        mut objects: Option<&mut Vec<DerivedObject>>,
    ) {
        self.entries.push(envelope.as_bytes().to_vec());
        if self.entries.len() == WIDTH {
            let index = self.levels.first().map_or(0, |level| level.full);
            if let Some(objects) = objects.as_deref_mut() {
                objects.push(bundle(index, &self.entries));
            }
            self.entries.clear();
        }
        let mut carried = Some(leaf);
        let mut number = 0_u8;
        while let Some(hash) = carried.take() {
            if usize::from(number) == self.levels.len() {
                self.levels.push(Level::default());
            }
            let Some(level) = self.levels.get_mut(usize::from(number)) else { return };
            level.hashes.push(hash);
            if level.hashes.len() == WIDTH {
                if let Some(objects) = objects.as_deref_mut() {
                    objects.push(hashes(number, level));
                }
                carried = Some(rfc6962::root(&level.hashes));
                level.hashes.clear();
                level.full = level.full.saturating_add(1);
            }
            number = number.saturating_add(1);
        }
    }

    /// Paths of the unfinished bundle and tiles of a log of that size: what [`Self::resume`] reads.
    pub(super) fn edge(size: u64) -> Vec<String> {
        let mut paths = Vec::new();
        let (mut number, mut count) = (0_u8, size);
        while count > 0 {
            let (full, width) = (count / tile::WIDTH_MAX, count % tile::WIDTH_MAX);
            if width > 0 {
                if number == 0 {
                    paths.push(layout::tile(&tile::entries_path(full, width)));
                }
                paths.push(layout::tile(&tile::hash_tile_path(number, full, width)));
            }
            count = full;
            number = number.saturating_add(1);
        }
        paths
    }

    /// The tiles of a log whose right edge is known, from the objects of [`Self::edge`] in their
    /// order.
    ///
    /// # Errors
    ///
    /// Path of the object that is not what the edge says.
    pub(super) fn resume(frontier: &Frontier, objects: &[Bytes]) -> Result<Self, String> {
        let paths = Self::edge(frontier.size());
        let mut objects = paths.iter().zip(objects);
        let mut subtrees = frontier.subtrees().iter().rev();
        let mut tiles = Self::default();
        let mut count = frontier.size();
        let missing = || layout::tile("tile");
        while count > 0 {
            let (full, width) = (count / tile::WIDTH_MAX, count % tile::WIDTH_MAX);
            let mut hashes = Vec::new();
            if width > 0 {
                if tiles.levels.is_empty() {
                    let (path, bundle) = objects.next().ok_or_else(missing)?;
                    let entries = tile::decode_bundle(bundle).ok_or_else(|| path.clone())?;
                    tiles.entries = entries.into_iter().map(<[u8]>::to_vec).collect();
                    hashes = tiles.entries.iter().map(|entry| hash::leaf(entry)).collect();
                    if hashes.len() as u64 != width {
                        return Err(path.clone());
                    }
                }
                let (path, bytes) = objects.next().ok_or_else(missing)?;
                let (found, rest) = bytes.as_chunks::<32>();
                let is_leaves = tiles.levels.is_empty();
                if !rest.is_empty() || found.len() as u64 != width || (is_leaves && hashes != found)
                {
                    return Err(path.clone());
                }
                hashes = found.to_vec();
                let mut edge = Frontier::new();
                hashes.iter().for_each(|hash| edge.append(*hash));
                if edge.subtrees().iter().rev().any(|subtree| subtrees.next() != Some(subtree)) {
                    return Err(path.clone());
                }
            }
            tiles.levels.push(Level { full, hashes });
            count = full;
        }
        Ok(tiles)
    }

    /// The unfinished bundle and tiles that have grown since the log had `old_size` entries.
    pub(super) fn partial(&self, old_size: u64, objects: &mut Vec<DerivedObject>) {
        let mut old_hashes = old_size;
        for (number, level) in (0_u8..).zip(&self.levels) {
            let start = level.full.saturating_mul(tile::WIDTH_MAX);
            let hashes_now = start.saturating_add(level.hashes.len() as u64);
            if !level.hashes.is_empty() && hashes_now > old_hashes {
                if number == 0 {
                    objects.push(bundle(level.full, &self.entries));
                }
                objects.push(hashes(number, level));
            }
            old_hashes /= tile::WIDTH_MAX;
        }
    }
}

fn bundle(index: u64, entries: &[Vec<u8>]) -> DerivedObject {
    DerivedObject {
        path: layout::tile(&tile::entries_path(index, entries.len() as u64)),
        bytes: tile::encode_bundle(entries),
    }
}

fn hashes(number: u8, level: &Level) -> DerivedObject {
    let path = tile::hash_tile_path(number, level.full, level.hashes.len() as u64);
    DerivedObject { path: layout::tile(&path), bytes: level.hashes.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_log_that_grows_writes_the_tiles_of_the_grown_log() {
        let entries: Vec<_> = (0..70_000_u32).map(|number| number.to_string()).collect();
        let leaves: Vec<_> = entries.iter().map(|entry| hash::leaf(entry.as_bytes())).collect();
        let mut tiles = Tiles::default();
        let mut size = 0;
        for step in [1, 254, 1, 1, 300, 65_000, 4_443] {
            let mut objects = Vec::new();
            for at in size..size + step {
                tiles.append(leaves[at], &entries[at], Some(&mut objects));
            }
            tiles.partial(size as u64, &mut objects);
            let found: BTreeMap<_, _> =
                objects.into_iter().map(|object| (object.path, object.bytes)).collect();
            let mut expected = BTreeMap::new();
            for (path, bytes) in tile::tiles_for(size as u64, &leaves[..size + step]) {
                expected.insert(layout::tile(&path), bytes);
            }
            let bundled: Vec<_> = entries[size - size % 256..size + step]
                .iter()
                .map(|entry| entry.clone().into_bytes())
                .collect();
            for (path, bytes) in tile::bundles_for(size as u64, &bundled) {
                expected.insert(layout::tile(&path), bytes);
            }
            assert_eq!(found, expected, "from {size} by {step}");
            size += step;
        }
    }
}
