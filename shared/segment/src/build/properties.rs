//! How the columns are encoded: measured choices, none of which a reader must know.

use event::CellType;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::columns::{coordinate, paths};

/// Rows of a row group; what analytical readers expect.
const ROW_GROUP_ROWS_MAX: usize = 122_880;

/// Share of absent identifiers for which a bloom filter says "perhaps".
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Columns whose values hardly repeat: a dictionary only costs.
const UNIQUE: [&str; 6] = [
    "event_id",
    "span_id",
    "parent_span_id",
    "tool.call_id",
    "model.response_id",
    "links.causation",
];

/// Columns by which single events and runs are looked up.
const LOOKED_UP: [&str; 2] = ["event_id", "run_id"];

/// Properties of the Parquet writer of a segment with that metadata.
#[must_use]
pub fn writer_properties(metadata: Vec<KeyValue>) -> WriterProperties {
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
    for (column, parts) in paths() {
        let path = ColumnPath::new(parts);
        if column.erasable {
            // Values must not survive an erasure in the footer, and nobody compares them.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        let delta = column.cell_type == CellType::Time || column.path == "source.seq";
        if delta {
            builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        let unique = delta
            || column.cell_type == CellType::Float
            || (column.erasable && column.cell_type != CellType::Map)
            || UNIQUE.contains(&column.path.as_str());
        if unique {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if LOOKED_UP.contains(&column.path.as_str()) {
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS_MAX as u64);
        }
    }
    builder.build()
}
