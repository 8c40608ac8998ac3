//! Writes the Parquet file of a segment or slice.
//!
//! Of its several hundred columns a batch fills some forty. Those without a value are not written
//! batch by batch but page by page, which makes their number nearly free.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::properties::{ROW_GROUP_ROWS_MAX, writer_properties};
use crate::columns::{NULL_ROWS_MAX, arrow_schema, nulls};

/// Writes rows of the columns of a segment.
pub struct FileWriter {
    file: SerializedFileWriter<Vec<u8>>,
    columns: ArrowRowGroupWriterFactory,
    /// The row group that is being written.
    group: Option<Group>,
}

impl std::fmt::Debug for FileWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FileWriter").finish_non_exhaustive()
    }
}

struct Group {
    rows: usize,
    parts: Vec<Part>,
}

/// A top-level column, or group of columns.
struct Part {
    field: FieldRef,
    /// One for each column of the file.
    writers: Vec<ArrowColumnWriter>,
    /// Rows without any value that are not written yet.
    nulls: usize,
}

impl FileWriter {
    /// An empty file with that metadata.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    pub fn new(metadata: Vec<KeyValue>) -> Result<Self, ParquetError> {
        Self::with(writer_properties(metadata, None))
    }

    /// The bytes of a file of so few rows that they are one batch: without filters and indexes, and
    /// without a dictionary or statistics of columns that have no value.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    pub fn small(metadata: Vec<KeyValue>, rows: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
        let mut file = Self::with(writer_properties(metadata, Some(rows)))?;
        file.write(rows)?;
        file.finish()
    }

    fn with(properties: WriterProperties) -> Result<Self, ParquetError> {
        // Without a copy of the Arrow schema: the Parquet schema says all, in a tenth of the bytes.
        let options =
            ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), arrow_schema(), options)?;
        let (file, columns) = writer.into_serialized_writer()?;
        Ok(Self { file, columns, group: None })
    }

    /// Appends rows that have the columns of a segment, all of them and in their order.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    ///
    /// # Panics
    ///
    /// The rows have other columns, or are more than a row group holds.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        assert!(rows.num_rows() <= ROW_GROUP_ROWS_MAX, "{} rows at once", rows.num_rows());
        if self
            .group
            .as_ref()
            .is_some_and(|group| group.rows + rows.num_rows() > ROW_GROUP_ROWS_MAX)
        {
            self.end_group()?;
        }
        let group = match &mut self.group {
            Some(group) => group,
            none @ None => {
                let index = self.file.flushed_row_groups().len();
                none.insert(Group::new(self.columns.create_column_writers(index)?))
            }
        };
        assert!(rows.num_columns() == group.parts.len(), "rows of other columns");
        group.rows += rows.num_rows();
        for (part, values) in group.parts.iter_mut().zip(rows.columns()) {
            part.write(values)?;
        }
        Ok(())
    }

    /// Size of the file so far, estimated, bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.file.inner().len() + self.sum(ArrowColumnWriter::get_estimated_total_bytes)
    }

    /// Memory held, bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.file.inner().capacity() + self.sum(ArrowColumnWriter::memory_size)
    }

    fn sum(&self, of: impl Fn(&ArrowColumnWriter) -> usize) -> usize {
        let parts = self.group.iter().flat_map(|group| &group.parts);
        parts.flat_map(|part| &part.writers).map(of).sum()
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// What the Parquet writer says.
    pub fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.end_group()?;
        self.file.into_inner()
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut to = self.file.next_row_group()?;
        for mut part in group.parts {
            part.write_nulls()?;
            for writer in part.writers {
                writer.close()?.append_to_row_group(&mut to)?;
            }
        }
        to.close()?;
        Ok(())
    }
}

impl Group {
    fn new(writers: Vec<ArrowColumnWriter>) -> Self {
        let mut writers = writers.into_iter();
        let parts: Vec<_> = arrow_schema()
            .fields()
            .iter()
            .map(|field| {
                let columns = columns_of(field.data_type());
                let writers: Vec<_> = writers.by_ref().take(columns).collect();
                assert!(writers.len() == columns, "`{}` has too few writers", field.name());
                Part { field: Arc::clone(field), writers, nulls: 0 }
            })
            .collect();
        assert!(writers.next().is_none(), "there are more writers than columns");
        Self { rows: 0, parts }
    }
}

impl Part {
    fn write(&mut self, values: &ArrayRef) -> Result<(), ParquetError> {
        if !self.field.is_nullable() || values.null_count() < values.len() {
            self.write_nulls()?;
            return self.write_now(values);
        }
        let mut more = values.len();
        while more > 0 {
            let some = more.min(NULL_ROWS_MAX - self.nulls);
            self.nulls += some;
            more -= some;
            if self.nulls == NULL_ROWS_MAX {
                self.write_nulls()?;
            }
        }
        Ok(())
    }

    fn write_nulls(&mut self) -> Result<(), ParquetError> {
        match std::mem::take(&mut self.nulls) {
            0 => Ok(()),
            rows => self.write_now(&nulls(self.field.data_type(), rows)),
        }
    }

    fn write_now(&mut self, values: &ArrayRef) -> Result<(), ParquetError> {
        let columns = compute_leaves(&self.field, values)?;
        assert!(columns.len() == self.writers.len(), "`{}` has other columns", self.field.name());
        for (writer, column) in self.writers.iter_mut().zip(&columns) {
            writer.write(column)?;
        }
        Ok(())
    }
}

/// How many columns of a file a type takes.
fn columns_of(data_type: &DataType) -> usize {
    if let DataType::Struct(fields) = data_type {
        return fields.iter().map(|field| columns_of(field.data_type())).sum();
    }
    if let DataType::List(item) | DataType::Map(item, _) = data_type {
        return columns_of(item.data_type());
    }
    assert!(!data_type.is_nested(), "no column of a segment is of type {data_type}");
    1
}
