//! Headers of the pages of a Parquet file, and of its filters, checked before the library reads them.

use super::footer::{Chunk, Wrong};
use super::thrift::{self, Kind};

/// The header of a page (parquet.thrift).
const HEADER: &[(i16, Kind)] = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::Struct(&[(1, Kind::I32), (2, Kind::I32), (3, Kind::I32), (4, Kind::I32)])),
    (7, Kind::Struct(&[(1, Kind::I32), (2, Kind::I32), (3, Kind::Bool)])),
];

/// Numbers of the encodings.
mod encoding {
    pub(super) const PLAIN: i64 = 0;
    pub(super) const PLAIN_DICTIONARY: i64 = 2;
    pub(super) const RLE: i64 = 3;
    pub(super) const RLE_DICTIONARY: i64 = 8;
}

/// Checks the pages of a chunk.
pub(super) fn check(file: &[u8], chunk: &Chunk<'_>) -> Result<(), Wrong> {
    let range = usize::try_from(chunk.start).ok().zip(usize::try_from(chunk.end).ok());
    let mut rest =
        range.and_then(|(start, end)| file.get(start..end)).ok_or("a column is cut off")?;
    let mut has_dictionary = false;
    let (mut values, mut uncompressed) = (0_u64, 0_u64);
    while !rest.is_empty() {
        let is_first = uncompressed == 0;
        let (header, behind) =
            thrift::read(rest, HEADER).ok_or("the header of a page cannot be read")?;
        let header_size = rest.len().saturating_sub(behind.len()) as u64;
        let size = header.size(2).ok_or("a page has no size")?;
        let stored = header.size(3).and_then(|stored| usize::try_from(stored).ok());
        let (_, next) = stored
            .and_then(|stored| behind.split_at_checked(stored))
            .ok_or("a page ends behind its column")?;
        if !chunk.compressed && stored.map(|stored| stored as u64) != Some(size) {
            return Err("a page has another size than its bytes");
        }
        match (header.number(1), header.fields(5), header.fields(7)) {
            (Some(0), Some(data), None) => {
                let count =
                    data.size(1).filter(|count| *count > 0).ok_or("a page has no values")?;
                values = values.saturating_add(count);
                let encoded = data.number(2).ok_or("a page has no encoding")?;
                let indexed =
                    [encoding::PLAIN_DICTIONARY, encoding::RLE_DICTIONARY].contains(&encoded);
                if indexed && !has_dictionary {
                    return Err("a page refers to a dictionary that is not there");
                }
                if [3, 4].iter().any(|levels| data.number(*levels) != Some(encoding::RLE)) {
                    return Err("a page has levels that segments have not");
                }
            }
            (Some(2), None, Some(dictionary)) if chunk.dictionary && is_first => {
                let count = dictionary.size(1).ok_or("a dictionary has no number of values")?;
                if count == 0 && size > 0 {
                    return Err("a dictionary has bytes, and no values");
                }
                let encoded = dictionary.number(2);
                if ![encoding::PLAIN, encoding::PLAIN_DICTIONARY].map(Some).contains(&encoded) {
                    return Err("a dictionary is encoded in a way that segments are not");
                }
                has_dictionary = true;
            }
            _ => return Err("a page is of a kind that segments have not, or out of place"),
        }
        uncompressed = uncompressed.saturating_add(header_size).saturating_add(size);
        rest = next;
    }
    if has_dictionary != chunk.dictionary {
        return Err("a column has no dictionary where its footer says so");
    }
    if values != chunk.values {
        return Err("a column has another number of values than its pages");
    }
    if uncompressed != chunk.uncompressed {
        return Err("a column has another size than its pages");
    }
    Ok(())
}

/// The header of a bloom filter: its size, and by three names how it is made.
const FILTER: &[(i16, Kind)] = &[(1, Kind::I32), (2, MADE_SO), (3, MADE_SO), (4, MADE_SO)];
const MADE_SO: Kind = Kind::Struct(&[(1, Kind::Struct(&[]))]);

/// Most bytes of a filter.
const FILTER_BYTES_MAX: usize = 128 * 1_024 * 1_024;

/// Most bytes of the header of a filter.
pub(crate) const FILTER_HEADER_BYTES_MAX: u64 = 64;

/// Bytes of the header of a filter that begins these bytes, and of what follows it.
pub(crate) fn filter(bytes: &[u8]) -> Result<(usize, usize), Wrong> {
    let (header, rest) = thrift::read(bytes, FILTER).ok_or("a filter cannot be read")?;
    let made = |field| header.fields(field).is_some_and(|union| union.has(1));
    let size = header.size(1).and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
    // Blocks of 32 bytes, one at least.
    if !(2..=4).all(made) || size == 0 || size % 32 != 0 || size > FILTER_BYTES_MAX {
        return Err("a filter is of another kind than those of segments");
    }
    Ok((bytes.len().saturating_sub(rest.len()), size))
}
