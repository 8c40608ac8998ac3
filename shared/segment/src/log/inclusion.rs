//! The proof that an entry is in the log, from the tiles beside it rather than from every entry.

use merkle::multiproof::Subtree;
use merkle::{Hash, tile};

use super::subtrees::{Nodes, TileId};

/// What proves one entry of a log of some size.
#[derive(Debug, Clone)]
pub struct InclusionTiles {
    index: u64,
    size: u64,
    tiles: Vec<TileId>,
}

impl InclusionTiles {
    /// For an entry below the size.
    #[must_use]
    pub fn of(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let mut tiles = Vec::new();
        let (mut level, mut at, mut count) = (0_u8, index, size);
        while count > 0 {
            // The tile above the entry, and the unfinished one at the right edge.
            let (full, rest) = (count / tile::WIDTH_MAX, count % tile::WIDTH_MAX);
            let own = at / tile::WIDTH_MAX;
            if own < full {
                tiles.push(TileId { level, index: own, width: tile::WIDTH_MAX });
            }
            if rest > 0 {
                tiles.push(TileId { level, index: full, width: rest });
            }
            (at, count) = (own, full);
            level = level.checked_add(1)?;
        }
        Some(Self { index, size, tiles })
    }

    /// The tiles to read.
    #[must_use]
    pub fn tiles(&self) -> &[TileId] {
        &self.tiles
    }

    /// The audit path, from the sibling up, from the bytes of the tiles in their order. Whether it
    /// leads to the signed root is for the caller to see. `None` if a tile has another size.
    #[must_use]
    pub fn path(&self, bytes: &[impl AsRef<[u8]>]) -> Option<Vec<Hash>> {
        let nodes = Nodes::read(&self.tiles, bytes)?;
        let mut path = Vec::new();
        let (mut from, mut to) = (0, self.size);
        while to.checked_sub(from)? > 1 {
            let middle = from.checked_add(split(to.checked_sub(from)?))?;
            if self.index < middle {
                path.push(nodes.root(Subtree { from: middle, to })?);
                to = middle;
            } else {
                path.push(nodes.root(Subtree { from, to: middle })?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }
}

/// Largest power of two below a size of at least 2.
const fn split(size: u64) -> u64 {
    match size.checked_next_power_of_two() {
        Some(power) => power >> 1,
        None => 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use merkle::{hash, rfc6962};

    use super::*;

    #[test]
    fn the_path_from_tiles_is_that_from_all_leaves() {
        let leaves: Vec<_> = (0..66_000_u32).map(|i| hash::leaf(&i.to_be_bytes())).collect();
        for size in [1_usize, 2, 3, 255, 256, 257, 513, 65_535, 65_536, 65_537, 66_000] {
            let tiles: BTreeMap<_, _> = tile::tiles_for(0, &leaves[..size]).into_iter().collect();
            for index in [0, 1, 2, 255, 256, size / 2, size.saturating_sub(2), size - 1] {
                let index = index as u64;
                let Some(needed) = InclusionTiles::of(index, size as u64) else {
                    assert!(index >= size as u64);
                    continue;
                };
                assert!(needed.tiles().len() <= 6, "{:?}", needed.tiles());
                let bytes: Vec<_> = needed
                    .tiles()
                    .iter()
                    .map(|id| &tiles[id.path().strip_prefix("log/").unwrap()])
                    .collect();
                let expected = rfc6962::prove_inclusion(&leaves[..size], index);
                assert_eq!(needed.path(&bytes), expected, "{index} of {size}");
                assert_eq!(needed.path(&bytes[1..]), None);
            }
        }
    }
}
