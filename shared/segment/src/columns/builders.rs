//! From sparse rows to a batch of columns; a row costs what it holds, not what it could hold.

use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBufferBuilder;

use arrow_schema::ArrowError;
use arrow_schema::{DataType, FieldRef};
use event::{Event, TopicPartition};

use super::nulls::nulls;
use super::schema::{Part, layout};
use super::values::Column;
use crate::leaf::{Head, RowSalt};

/// Which rows have a value in some column of a group.
#[derive(Debug)]
struct Group {
    validity: NullBufferBuilder,
}

impl Group {
    /// Marks a row; rows must ascend, marking one twice is once.
    fn mark(&mut self, row: usize) {
        let rows = self.validity.len();
        if rows <= row {
            self.validity.append_n_nulls(row.saturating_sub(rows));
            self.validity.append_non_null();
        }
    }
}

/// A batch of rows as columns.
#[derive(Debug)]
pub(crate) struct Columns {
    partition: TopicPartition,
    rows: usize,
    topics: StringBuilder,
    partitions: Int32Builder,
    offsets: Int64Builder,
    timestamps: TimestampMillisecondBuilder,
    timestamp_types: Int32Builder,
    schema_ids: StringBuilder,
    record_digests: FixedSizeBinaryBuilder,
    salts: FixedSizeBinaryBuilder,
    /// By column number; with the number of its group.
    columns: Vec<(Column, Option<usize>)>,
    /// In the order of the layout.
    groups: Vec<Group>,
}

impl Columns {
    pub(crate) fn new(partition: &TopicPartition) -> Self {
        let mut columns: Vec<_> = event::schema()
            .columns()
            .iter()
            .map(|column| (Column::new(column.cell_type), None))
            .collect();
        let mut groups = Vec::new();
        for part in &layout().parts {
            if let Part::Group(_, ids) = part {
                for id in ids {
                    if let Some((_, group)) = columns.get_mut(id.index()) {
                        *group = Some(groups.len());
                    }
                }
                groups.push(Group { validity: NullBufferBuilder::new(0) });
            }
        }
        Self {
            partition: partition.clone(),
            rows: 0,
            topics: StringBuilder::new(),
            partitions: Int32Builder::new(),
            offsets: Int64Builder::new(),
            timestamps: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            timestamp_types: Int32Builder::new(),
            schema_ids: StringBuilder::new(),
            record_digests: FixedSizeBinaryBuilder::new(32),
            salts: FixedSizeBinaryBuilder::new(16),
            columns,
            groups,
        }
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Appends a row. After an error the columns are of no more use.
    pub(crate) fn append(
        &mut self,
        head: &Head<'_>,
        salt: &RowSalt,
        event: &Event<'_>,
    ) -> Result<(), ArrowError> {
        self.topics.append_value(&self.partition.topic);
        self.partitions.append_value(self.partition.partition);
        self.offsets.append_value(head.offset);
        self.timestamps.append_value(head.timestamp_ms);
        self.timestamp_types.append_value(i32::from(head.timestamp_type as u8));
        self.schema_ids.append_value(head.schema_id);
        self.record_digests.append_value(head.record_digest)?;
        self.salts.append_value(salt)?;
        for (id, cell) in event.cells() {
            if let Some((column, group)) = self.columns.get_mut(id.index()) {
                column.append(self.rows, cell)?;
                if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
                    group.mark(self.rows);
                }
            }
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// The rows so far; empties the columns.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.topics.finish()),
            Arc::new(self.partitions.finish()),
            Arc::new(self.offsets.finish()),
            Arc::new(self.timestamps.finish()),
            Arc::new(self.timestamp_types.finish()),
            Arc::new(self.schema_ids.finish()),
            Arc::new(self.record_digests.finish()),
            Arc::new(self.salts.finish()),
        ];
        let mut groups = self.groups.iter_mut();
        for part in &layout().parts {
            arrays.push(match part {
                Part::Column(id, _) => match self.columns.get_mut(id.index()) {
                    Some((column, _)) => column.finish(rows)?,
                    None => continue,
                },
                Part::Group(field, ids) => {
                    let Some(group) = groups.next() else { continue };
                    let members = self.columns.as_mut_slice();
                    finish_group(field, group, rows, |at| {
                        let id = ids.get(at)?;
                        members.get_mut(id.index()).map(|(column, _)| column.finish(rows))
                    })?
                }
            });
        }
        let schema = Arc::clone(&layout().schema);
        for field in schema.fields().iter().skip(arrays.len()) {
            arrays.push(nulls(field.data_type(), rows));
        }
        RecordBatch::try_new(schema, arrays)
    }
}

fn finish_group(
    field: &FieldRef,
    group: &mut Group,
    rows: usize,
    mut column: impl FnMut(usize) -> Option<Result<ArrayRef, ArrowError>>,
) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = field.data_type() else {
        return Err(ArrowError::SchemaError(format!("`{}` is not a group", field.name())));
    };
    if group.validity.is_empty() {
        return Ok(nulls(field.data_type(), rows));
    }
    group.validity.append_n_nulls(rows.saturating_sub(group.validity.len()));
    let arrays: Result<Vec<_>, _> = (0..fields.len()).filter_map(&mut column).collect();
    let validity = group.validity.finish();
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), arrays?, validity, rows)?))
}
