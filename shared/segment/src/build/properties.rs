//! How the columns are encoded: measured choices, none of which a reader must know.

use arrow_array::RecordBatch;
use event::typed::Text;
use event::{CellType, TypedColumn, column};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::small;
use crate::columns::{coordinate, paths};

/// Rows of a row group; what analytical readers expect.
pub(super) const ROW_GROUP_ROWS_MAX: usize = 122_880;

/// Share of absent identifiers for which a bloom filter says "perhaps".
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Columns whose values hardly repeat: a dictionary only costs.
const UNIQUE: [TypedColumn<Text>; 6] = [
    column::EVENT_ID,
    column::SPAN_ID,
    column::PARENT_SPAN_ID,
    column::tool::CALL_ID,
    column::model::RESPONSE_ID,
    column::links::CAUSATION,
];

/// Columns by which single events and runs are looked up.
const LOOKED_UP: [TypedColumn<Text>; 2] = [column::EVENT_ID, column::RUN_ID];

/// Properties of the Parquet writer of a segment with that metadata. A small file has its `only`
/// rows, which are known beforehand.
pub(super) fn writer_properties(
    metadata: Vec<KeyValue>,
    only: Option<&RecordBatch>,
) -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    // Level 1 is valid, and level 3 costs half again the time for a twentieth of the size.
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let mut builder = WriterProperties::builder()
        .set_created_by("driftseal".to_owned())
        .set_key_value_metadata(Some(metadata))
        .set_compression(zstd)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX));
    for name in [coordinate::RECORD_DIGEST, coordinate::SALT] {
        // Random bytes neither compress nor compare.
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_compression(path(name), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(path(name), EnabledStatistics::None);
    }
    for name in [coordinate::OFFSET, coordinate::TIMESTAMP] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    let is_one_of =
        |list: &[TypedColumn<Text>], path: &str| list.iter().any(|one| one.path() == path);
    for (column, parts) in paths() {
        let path = ColumnPath::new(parts);
        if column.erasable {
            // Values must not survive an erasure in the footer, and nobody compares them.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        let delta = column.cell_type == CellType::Time || column.path == column::source::SEQ.path();
        if delta {
            builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        let unique = delta
            || column.cell_type == CellType::Float
            || (column.erasable && column.cell_type != CellType::Map)
            || is_one_of(&UNIQUE, &column.path);
        if unique {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if only.is_none() && is_one_of(&LOOKED_UP, &column.path) {
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS_MAX as u64);
        }
    }
    match only {
        Some(rows) => small::reduce(builder, rows).build(),
        None => builder.build(),
    }
}
