//! Tiles and entry bundles of a log (C2SP `tlog-tiles`), derived from leaf hashes and entries.
//!
//! A tile of level `L` and index `N` holds up to 256 hashes of the tree's level `8 L`; an entry
//! bundle holds up to 256 entries, each with a 16-bit length. Partial ones carry their width in
//! the path, so a path never changes its bytes.

use crate::{Hash, rfc6962};

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH_MAX: u64 = 256;

/// Most bytes of an entry.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Path of a tile of hashes; `width` 1 to 256, 256 being full.
#[must_use]
pub fn hash_tile_path(level: u8, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", number_path(index, width))
}

/// Path of an entry bundle; `width` as for tiles.
#[must_use]
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", number_path(index, width))
}

fn number_path(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH_MAX { format!("{path}.p/{width}") } else { path }
}

/// All tiles of hashes that growing a log from `old_size` leaves to `leaves.len()` creates: path
/// and bytes. Tiles that were already full are not among them.
#[must_use]
pub fn tiles_for(old_size: u64, leaves: &[Hash]) -> Vec<(String, Vec<u8>)> {
    let mut tiles = Vec::new();
    // Hashes of the tree at level 8 * `level`, and how many of them the old tree had.
    let mut hashes = leaves.to_vec();
    let mut old = old_size;
    for level in 0_u8.. {
        for (index, chunk) in (0_u64..).zip(hashes.chunks(256)) {
            let width = chunk.len() as u64;
            // The old tree ended before the end of this tile.
            if (old / WIDTH_MAX, old % WIDTH_MAX) < (index, width) {
                tiles.push((hash_tile_path(level, index, width), chunk.concat()));
            }
        }
        hashes = hashes.chunks_exact(256).map(rfc6962::root).collect();
        if hashes.is_empty() {
            break;
        }
        old /= WIDTH_MAX;
    }
    tiles
}

/// All entry bundles that growing a log from `old_size` entries creates; `entries` are all entries
/// from the beginning of the bundle that holds entry `old_size`, that is from
/// `old_size - old_size % 256`.
#[must_use]
pub fn bundles_for(old_size: u64, entries: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    (old_size / WIDTH_MAX..)
        .zip(entries.chunks(256))
        .map(|(index, chunk)| (entries_path(index, chunk.len() as u64), encode_bundle(chunk)))
        .collect()
}

/// Bytes of an entry bundle.
///
/// # Panics
///
/// An entry over [`ENTRY_BYTES_MAX`], which its length could not tell: check before it enters a log.
#[must_use]
pub fn encode_bundle(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        let Ok(length) = u16::try_from(entry.len()) else {
            unreachable!("an entry of {} bytes is in the log", entry.len())
        };
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    bundle
}

/// The entries of a bundle; `None` if a length does not fit.
#[must_use]
pub fn decode_bundle(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = bundle;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(hash_tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(hash_tile_path(3, 5, 7), "tile/3/005.p/7");
        assert_eq!(entries_path(1000, 256), "tile/entries/x001/000");
    }

    #[test]
    fn the_tiles_of_a_log_that_grows_are_those_of_the_grown_log() {
        let leaves: Vec<_> = (0..70_000_u32).map(|i| hash::leaf(&i.to_be_bytes())).collect();
        let mut grown = std::collections::BTreeMap::new();
        let mut size = 0_usize;
        for step in [1, 254, 1, 1, 300, 65_000, 4_443] {
            grown.extend(tiles_for(size as u64, &leaves[..size + step]));
            size += step;
        }
        assert_eq!(size, leaves.len());
        for (path, bytes) in tiles_for(0, &leaves) {
            assert_eq!(grown.get(&path), Some(&bytes), "{path}");
        }
        assert!(grown.contains_key("tile/2/000.p/1"));
        assert_eq!(grown["tile/0/001"].len(), 256 * 32);
    }

    #[test]
    fn bundles_give_back_their_entries() {
        let entries: Vec<_> = (0..300_usize).map(|i| vec![7; i % 5]).collect();
        let bundles = bundles_for(0, &entries);
        let paths: Vec<_> = bundles.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["tile/entries/000", "tile/entries/001.p/44"]);
        let read: Vec<_> =
            bundles.iter().flat_map(|(_, bytes)| decode_bundle(bytes).unwrap()).collect();
        assert_eq!(read, entries);
        assert_eq!(decode_bundle(&[0, 2, 1]), None);
    }
}
