//! Which columns of a file have no value in any row.
//!
//! Most columns have none, and decoding them would take longer than all others. Statistics would
//! say so, but they are only claims; the pages themselves say it in a few bytes: one run of
//! definition levels 0, as long as the page. Whatever looks different is read like any column.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::Schema;
use bytes::Bytes;
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::columns::{NULL_ROWS_MAX, layout_field};

/// Most bytes of a page of nulls with its header. Chunks with more for each page are read like any
/// other, without a look at their pages.
const PAGE_BYTES_MAX: usize = 128;

/// Numbers of the top-level columns that may have a value; the others have none, and are the
/// columns of a segment in name and type.
pub(super) fn filled(parquet: &Bytes, metadata: &ParquetMetaData, schema: &Schema) -> Vec<usize> {
    let mut names = HashSet::new();
    let unique = schema.fields().iter().all(|field| names.insert(field.name()));
    let mut filled: Vec<bool> = schema
        .fields()
        .iter()
        .map(|field| {
            let known = layout_field(field.name());
            !unique || !known.is_some_and(|known| known.is_nullable() && known == field)
        })
        .collect();
    let parquet = Arc::new(parquet.clone());
    let columns = metadata.file_metadata().schema_descr();
    for column in 0..columns.num_columns() {
        let Some(filled) = filled.get_mut(columns.get_column_root_idx(column)) else { continue };
        if !*filled {
            let repeated = columns.column(column).max_rep_level() > 0;
            *filled = metadata.row_groups().iter().any(|group| {
                let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
                let chunk = group.columns().get(column);
                !chunk.is_some_and(|chunk| {
                    is_absent(&parquet, chunk, rows, repeated).is_ok_and(|absent| absent)
                })
            });
        }
    }
    (0..).zip(filled).filter_map(|(at, filled)| filled.then_some(at)).collect()
}

/// Whether a chunk has that many rows, all of them without a value.
pub(super) fn is_absent(
    parquet: &Arc<Bytes>,
    chunk: &ColumnChunkMetaData,
    rows: usize,
    repeated: bool,
) -> Result<bool, ParquetError> {
    let bytes_max = (rows / NULL_ROWS_MAX + 2) * PAGE_BYTES_MAX;
    if usize::try_from(chunk.uncompressed_size()).is_ok_and(|bytes| bytes > bytes_max) {
        return Ok(false);
    }
    let mut pages = SerializedPageReader::new(Arc::clone(parquet), chunk, rows, None)?;
    let mut seen = 0;
    while let Some(page) = pages.get_next_page()? {
        match page {
            Page::DataPage { buf, num_values, .. } => {
                // Repetition levels come first; all 0, each value is a row.
                let rest = if repeated { zeros(&buf, num_values) } else { Some(&*buf) };
                if rest.and_then(|rest| zeros(rest, num_values)).is_none() {
                    return Ok(false);
                }
                seen += num_values as usize;
            }
            Page::DictionaryPage { .. } => {}
            Page::DataPageV2 { .. } => return Ok(false),
        }
    }
    Ok(seen == rows)
}

/// What follows levels that are so many zeros, as one run (Parquet, "Run Length Encoding /
/// Bit-Packing Hybrid"): length of the levels, twice the length of the run, its value.
fn zeros(levels: &[u8], count: u32) -> Option<&[u8]> {
    let (length, rest) = levels.split_first_chunk()?;
    let (run, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let mut header = 0_u64;
    let mut bytes = run.iter();
    for shift in [0, 7, 14, 21, 28] {
        let byte = bytes.next()?;
        header |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    (header == u64::from(count) << 1 && bytes.as_slice() == [0]).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_run_of_zeros_is_one() {
        let of = |levels: &[u8], count| zeros(levels, count).map(<[u8]>::to_vec);
        assert_eq!(of(&[2, 0, 0, 0, 6, 0], 3), Some(vec![]));
        assert_eq!(of(&[2, 0, 0, 0, 6, 0, 9], 3), Some(vec![9]));
        assert_eq!(of(&[3, 0, 0, 0, 0x80, 0x02, 0], 128), Some(vec![]));
        for (levels, count) in [
            // Other lengths, another value, bit-packed, two runs, cut short, no end.
            (&[2, 0, 0, 0, 6, 0][..], 4),
            (&[2, 0, 0, 0, 6, 1], 3),
            (&[2, 0, 0, 0, 3, 0], 1),
            (&[4, 0, 0, 0, 2, 0, 2, 0], 2),
            (&[4, 0, 0, 0, 2, 0, 2, 0], 1),
            (&[2, 0, 0, 0, 6], 3),
            (&[2, 0, 0], 3),
            (&[1, 0, 0, 0, 6, 0], 3),
            (&[6, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], 3),
            (&[], 0),
        ] {
            assert_eq!(of(levels, count), None, "{levels:?}");
        }
    }
}
