//! Slices: the rows of one agent, out of many segments, in one file with the columns of a segment.
//!
//! Salts and digests come along, so every leaf can be derived from the slice alone. The order is
//! that of the log entries, then of the offsets.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType, Field};
use arrow_select::filter::filter_record_batch;
use bytes::Bytes;
use event::TopicPartition;
use parquet::file::metadata::KeyValue;

use crate::build::FileWriter;
use crate::columns::{RowReader, arrow_schema};
use crate::leaf::LeafHasher;
use crate::read::{self, ReadError, Row};

/// Format name in the metadata of a slice.
const SLICE_FORMAT: &str = "driftseal/slice/v1";

/// Key of the format name.
const FORMAT_KEY: &str = "driftseal.format";

/// Writes a slice.
pub struct SliceWriter(FileWriter);

impl std::fmt::Debug for SliceWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SliceWriter").finish_non_exhaustive()
    }
}

impl SliceWriter {
    /// An empty slice.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    pub fn new() -> Result<Self, String> {
        let pairs = vec![KeyValue::new(FORMAT_KEY.to_owned(), SLICE_FORMAT.to_owned())];
        FileWriter::new(pairs).map(Self).map_err(|error| error.to_string())
    }

    /// Appends the rows of an agent; their numbers in the segment.
    ///
    /// # Errors
    ///
    /// The bytes are not a segment, or the Parquet writer fails.
    pub fn append(&mut self, segment: &Bytes, agent_id: &str) -> Result<Vec<u64>, String> {
        let mut numbers = Vec::new();
        let mut number = 0_u64;
        for batch in read::batches(segment).map_err(|error| error.to_string())? {
            let batch = batch.map_err(|error| error.to_string())?;
            let agents = batch.column_by_name("agent_id").and_then(|agents| {
                let agents: Option<&arrow_array::StringArray> = agents.as_string_opt();
                agents.cloned()
            });
            let wanted: BooleanArray = (0..batch.num_rows())
                .map(|at| {
                    let agents = agents.as_ref()?;
                    Some(agents.is_valid(at) && agents.value(at) == agent_id)
                })
                .collect();
            for wanted in &wanted {
                if wanted == Some(true) {
                    numbers.push(number);
                }
                number += 1;
            }
            if wanted.true_count() > 0 {
                let rows =
                    filter_record_batch(&batch, &wanted).map_err(|error| error.to_string())?;
                self.0.write(&conform(&rows)?).map_err(|error| error.to_string())?;
            }
        }
        Ok(numbers)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    pub fn finish(self) -> Result<Vec<u8>, String> {
        self.0.finish().map_err(|error| error.to_string())
    }
}

/// The rows with all columns of this version: a segment of an earlier minor has fewer.
fn conform(rows: &RecordBatch) -> Result<RecordBatch, String> {
    let schema = arrow_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| fill(field, rows.column_by_name(field.name()), rows.num_rows()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, columns).map_err(|error| error.to_string())
}

fn fill(field: &Field, found: Option<&ArrayRef>, rows: usize) -> Result<ArrayRef, String> {
    match (found, field.data_type()) {
        (None, data_type) => Ok(new_null_array(data_type, rows)),
        (Some(array), data_type) if array.data_type() == data_type => Ok(Arc::clone(array)),
        (Some(array), DataType::Struct(fields)) => {
            let group = array
                .as_struct_opt()
                .ok_or_else(|| format!("column `{}` is not a group", field.name()))?;
            let inner = fields
                .iter()
                .map(|inner| fill(inner, group.column_by_name(inner.name()), rows))
                .collect::<Result<Vec<_>, _>>()?;
            StructArray::try_new(fields.clone(), inner, group.nulls().cloned())
                .map(|group| Arc::new(group) as ArrayRef)
                .map_err(|error| error.to_string())
        }
        (Some(array), data_type) => Err(format!(
            "column `{}` is of type {}, not {data_type}",
            field.name(),
            array.data_type()
        )),
    }
}

/// Visits the rows of a slice, in order.
///
/// # Errors
///
/// See [`ReadError`]; an error of `visit` ends the visit.
pub fn for_each_row<E: From<ReadError>>(
    slice: &Bytes,
    mut visit: impl FnMut(&TopicPartition, &Row<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut hashers: HashMap<(String, i32), Option<(TopicPartition, LeafHasher)>> = HashMap::new();
    let mut number = 0_u64;
    for batch in read::batches(slice)? {
        let batch = batch?;
        let reader =
            RowReader::new(&batch).map_err(|(path, detail)| ReadError::Column { path, detail })?;
        for at in 0..reader.rows() {
            let refused = |detail: String| ReadError::Row { row: number, detail };
            let place = reader.coordinates(at).map_err(refused)?;
            let hasher = hashers.entry((place.topic.to_owned(), place.partition)).or_default();
            let row = read::row(&reader, at, hasher).map_err(refused)?;
            if let Some((partition, _)) = hasher {
                visit(partition, &row)?;
            }
            number += 1;
        }
    }
    Ok(())
}
