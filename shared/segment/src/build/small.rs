//! Small files: what they leave out.
//!
//! Of several hundred columns a file of a few rows fills some forty. Then most of its bytes would
//! be dictionaries, statistics and indexes of columns without a value, and filters for rows that
//! one page holds anyway.

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, FieldRef};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// Takes from the properties of a file what its only batch of rows does not need.
pub(super) fn reduce(
    mut builder: WriterPropertiesBuilder,
    rows: &RecordBatch,
) -> WriterPropertiesBuilder {
    builder = builder
        .set_offset_index_disabled(true)
        .set_bloom_filter_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let mut absent = Vec::new();
    for (field, values) in rows.schema().fields().iter().zip(rows.columns()) {
        leaves(&[], field, Some(values), &mut absent);
    }
    for path in absent {
        let path = ColumnPath::new(path);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    builder
}

/// Collects the paths of the columns of a field that have no value.
fn leaves(
    above: &[String],
    field: &FieldRef,
    values: Option<&ArrayRef>,
    absent: &mut Vec<Vec<String>>,
) {
    let path = [above, &[field.name().clone()]].concat();
    let values = values.filter(|values| values.null_count() < values.len());
    let below = |names: &[&str]| -> Vec<String> {
        path.iter().cloned().chain(names.iter().map(|name| (*name).to_owned())).collect()
    };
    if let DataType::Struct(fields) = field.data_type() {
        let values = values.and_then(|values| values.as_any().downcast_ref::<StructArray>());
        for (at, field) in fields.iter().enumerate() {
            leaves(&path, field, values.and_then(|values| values.columns().get(at)), absent);
        }
    } else if values.is_some() {
        // What is in the lists and maps of rows is not looked at: empty ones are rare.
    } else if let DataType::List(item) = field.data_type() {
        absent.push(below(&["list", item.name()]));
    } else if let DataType::Map(entries, _) = field.data_type() {
        absent.extend(["key", "value"].map(|name| below(&[entries.name(), name])));
    } else {
        absent.push(path);
    }
}
