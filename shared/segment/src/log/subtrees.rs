//! Roots of subtrees of the log, from the tiles that hold them rather than from every entry.

use std::collections::{BTreeMap, BTreeSet};

use merkle::multiproof::Subtree;
use merkle::rfc6962::{self, Frontier};
use merkle::{Hash, tile};

use crate::layout;

/// A tile of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// Level of tiles, from the leaves up.
    pub level: u8,
    /// Number in the level.
    pub index: u64,
    /// Hashes, 1 to 256.
    pub width: u64,
}

impl TileId {
    /// Path in the archive.
    #[must_use]
    pub fn path(self) -> String {
        layout::tile(&tile::hash_tile_path(self.level, self.index, self.width))
    }
}

/// The tiles of a log of some size that hold the roots of some subtrees.
#[derive(Debug, Clone)]
pub struct SubtreeTiles {
    subtrees: Vec<Subtree>,
    tiles: Vec<TileId>,
}

impl SubtreeTiles {
    /// For subtrees of the log of that size, or of an earlier one; `None` if one reaches beyond it.
    #[must_use]
    pub fn of(size: u64, subtrees: Vec<Subtree>) -> Option<Self> {
        let mut tiles = BTreeSet::new();
        for subtree in &subtrees {
            if subtree.to > size {
                return None;
            }
            for (first, height) in complete(*subtree) {
                let level = u8::try_from(height / 8).ok()?;
                let index = first.checked_shr(u32::from(level) * 8)? / tile::WIDTH_MAX;
                let hashes = size.checked_shr(u32::from(level) * 8)?;
                let rest = hashes.checked_sub(index.checked_mul(tile::WIDTH_MAX)?)?;
                tiles.insert(TileId { level, index, width: rest.min(tile::WIDTH_MAX) });
            }
        }
        Some(Self { subtrees, tiles: tiles.into_iter().collect() })
    }

    /// The tiles to read.
    #[must_use]
    pub fn tiles(&self) -> &[TileId] {
        &self.tiles
    }

    /// The roots of the subtrees in their order, from the bytes of the tiles in theirs. `None` if a
    /// tile has another size.
    #[must_use]
    pub fn roots(&self, bytes: &[impl AsRef<[u8]>]) -> Option<Vec<Hash>> {
        let nodes = Nodes::read(&self.tiles, bytes)?;
        self.subtrees.iter().map(|subtree| nodes.root(*subtree)).collect()
    }
}

/// Hashes by level and number of their tile.
pub(super) struct Nodes(BTreeMap<(u8, u64), Vec<Hash>>);

impl Nodes {
    /// From the bytes of tiles in their order; `None` if one has another size.
    pub(super) fn read(tiles: &[TileId], bytes: &[impl AsRef<[u8]>]) -> Option<Self> {
        if bytes.len() != tiles.len() {
            return None;
        }
        let mut read = BTreeMap::new();
        for (id, bytes) in tiles.iter().zip(bytes) {
            let (hashes, rest) = bytes.as_ref().as_chunks::<32>();
            if !rest.is_empty() || hashes.len() as u64 != id.width {
                return None;
            }
            read.insert((id.level, id.index), hashes.to_vec());
        }
        Some(Self(read))
    }

    /// Root over the leaves of a node of the tree.
    pub(super) fn root(&self, subtree: Subtree) -> Option<Hash> {
        let parts: Option<Vec<Hash>> =
            complete(subtree).map(|(first, height)| self.complete(first, height)).collect();
        let size = subtree.to.checked_sub(subtree.from)?;
        Some(Frontier::from_subtrees(size, parts?)?.root())
    }

    /// Root of the complete subtree over `2^height` leaves from `first` on.
    fn complete(&self, first: u64, height: u32) -> Option<Hash> {
        let level = u8::try_from(height / 8).ok()?;
        let at = first.checked_shr(u32::from(level) * 8)?;
        let hashes = self.0.get(&(level, at / tile::WIDTH_MAX))?;
        let start = usize::try_from(at % tile::WIDTH_MAX).ok()?;
        let end = start.checked_add(1_usize.checked_shl(height % 8)?)?;
        Some(rfc6962::root(hashes.get(start..end)?))
    }
}

/// The largest complete subtrees that make up a node of the tree, left to right: first leaf and
/// height.
fn complete(subtree: Subtree) -> impl Iterator<Item = (u64, u32)> {
    let mut rest = subtree.from;
    std::iter::from_fn(move || {
        let height = subtree.to.checked_sub(rest)?.checked_ilog2()?;
        let first = rest;
        rest = rest.checked_add(1_u64.checked_shl(height)?)?;
        Some((first, height))
    })
}

#[cfg(test)]
mod tests {
    use merkle::hash;
    use merkle::multiproof::Shape;

    use super::*;

    #[test]
    fn the_nodes_of_a_proof_are_found_in_the_tiles_of_any_later_size() {
        let leaves: Vec<_> = (0..66_000_u32).map(|i| hash::leaf(&i.to_be_bytes())).collect();
        for size in [1_usize, 2, 255, 256, 257, 513, 65_536, 65_537, 66_000] {
            let tiles: BTreeMap<_, _> = tile::tiles_for(0, &leaves[..size]).into_iter().collect();
            for old in [1, 2, 200, 256, 300, 65_535, 65_600, size] {
                if old > size {
                    continue;
                }
                let last = old as u64 - 1;
                for listed in [vec![0], vec![last], vec![last / 3, last / 2, last]] {
                    let mut listed = listed.clone();
                    listed.dedup();
                    let nodes = Shape::of(old as u64).nodes(&listed).unwrap();
                    let range = |node: &Subtree| {
                        usize::try_from(node.from).unwrap()..usize::try_from(node.to).unwrap()
                    };
                    let expected: Vec<_> =
                        nodes.iter().map(|node| rfc6962::root(&leaves[range(node)])).collect();
                    let needed = SubtreeTiles::of(size as u64, nodes).unwrap();
                    let bytes: Vec<_> = needed
                        .tiles()
                        .iter()
                        .map(|id| &tiles[id.path().strip_prefix("log/").unwrap()])
                        .collect();
                    assert_eq!(needed.roots(&bytes), Some(expected), "{listed:?} of {old}");
                    if let Some(fewer) = bytes.get(1..) {
                        assert_eq!(needed.roots(fewer), None);
                    }
                }
            }
        }
        let beyond = Subtree { from: 0, to: 4 };
        assert!(SubtreeTiles::of(3, vec![beyond]).is_none());
    }
}
