//! The values of one column, appended row by row; rows without a value cost nothing until the end.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_buffer::OffsetBuffer;
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use event::{Cell, CellType};

use super::nulls::nulls;
use super::schema::{data_type, element, entries, pair};

/// Offsets and validity of a column of lists.
#[derive(Debug)]
struct Lists {
    offsets: Vec<i32>,
    validity: NullBufferBuilder,
}

impl Lists {
    fn new() -> Self {
        Self { offsets: vec![0], validity: NullBufferBuilder::new(0) }
    }

    fn append(&mut self, items: usize) -> Result<(), ArrowError> {
        let end = i32::try_from(items)
            .map_err(|_| ArrowError::InvalidArgumentError("too many items in a batch".into()))?;
        self.offsets.push(end);
        self.validity.append_non_null();
        Ok(())
    }

    fn append_nulls(&mut self, count: usize) {
        let end = self.offsets.last().copied().unwrap_or_default();
        self.offsets.resize(self.offsets.len().saturating_add(count), end);
        self.validity.append_n_nulls(count);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<arrow_buffer::NullBuffer>) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        (OffsetBuffer::new(offsets.into()), self.validity.finish())
    }
}

#[derive(Debug)]
enum Values {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Time(TimestampMicrosecondBuilder),
    Texts(Lists, StringBuilder),
    Map(Lists, StringBuilder, StringBuilder),
}

/// A column that is being filled.
#[derive(Debug)]
pub(super) struct Column {
    data_type: DataType,
    values: Values,
    /// Rows appended, those without a value included.
    rows: usize,
}

impl Column {
    pub(super) fn new(cell_type: CellType) -> Self {
        let values = match cell_type {
            CellType::Bool => Values::Bool(BooleanBuilder::with_capacity(0)),
            CellType::Int => Values::Int(Int64Builder::with_capacity(0)),
            CellType::Float => Values::Float(Float64Builder::with_capacity(0)),
            CellType::Text => Values::Text(StringBuilder::with_capacity(0, 0)),
            CellType::Bytes => Values::Bytes(BinaryBuilder::with_capacity(0, 0)),
            CellType::Time => {
                Values::Time(TimestampMicrosecondBuilder::with_capacity(0).with_timezone("UTC"))
            }
            CellType::Texts => Values::Texts(Lists::new(), StringBuilder::with_capacity(0, 0)),
            CellType::Map => Values::Map(
                Lists::new(),
                StringBuilder::with_capacity(0, 0),
                StringBuilder::with_capacity(0, 0),
            ),
        };
        Self { data_type: data_type(cell_type), values, rows: 0 }
    }

    /// Appends the value of a row; rows must ascend.
    pub(super) fn append(&mut self, row: usize, cell: &Cell<'_>) -> Result<(), ArrowError> {
        self.pad(row);
        self.rows = row.saturating_add(1);
        match (&mut self.values, cell) {
            (Values::Bool(builder), Cell::Bool(value)) => builder.append_value(*value),
            (Values::Int(builder), Cell::Int(value)) => builder.append_value(*value),
            (Values::Float(builder), Cell::Float(value)) => builder.append_value(*value),
            (Values::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Values::Bytes(builder), Cell::Bytes(value)) => builder.append_value(value),
            (Values::Time(builder), Cell::Time(value)) => builder.append_value(value.micros()),
            (Values::Texts(lists, items), Cell::Texts(values)) => {
                for value in values {
                    items.append_value(value);
                }
                lists.append(items.offsets_slice().len().saturating_sub(1))?;
            }
            (Values::Map(lists, keys, items), Cell::Map(pairs)) => {
                for (key, value) in pairs {
                    keys.append_value(key);
                    items.append_value(value);
                }
                lists.append(keys.offsets_slice().len().saturating_sub(1))?;
            }
            (_, cell) => {
                let found = cell.cell_type();
                return Err(ArrowError::InvalidArgumentError(format!(
                    "a {found:?} in a column of {}",
                    self.data_type
                )));
            }
        }
        Ok(())
    }

    /// Appends rows without a value up to a number of rows.
    fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.rows);
        if missing == 0 {
            return;
        }
        self.rows = rows;
        match &mut self.values {
            Values::Bool(builder) => builder.append_nulls(missing),
            Values::Int(builder) => builder.append_nulls(missing),
            Values::Float(builder) => builder.append_nulls(missing),
            Values::Text(builder) => builder.append_nulls(missing),
            Values::Bytes(builder) => builder.append_nulls(missing),
            Values::Time(builder) => builder.append_nulls(missing),
            Values::Texts(lists, _) | Values::Map(lists, _, _) => lists.append_nulls(missing),
        }
    }

    /// The column with that many rows; empties it.
    pub(super) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        if self.rows == 0 {
            return Ok(nulls(&self.data_type, rows));
        }
        self.pad(rows);
        self.rows = 0;
        Ok(match &mut self.values {
            Values::Bool(builder) => Arc::new(builder.finish()),
            // The next rows will be about as many and as large: room for them at once costs less
            // than growing step by step.
            Values::Int(builder) => {
                Arc::new(std::mem::replace(builder, Int64Builder::with_capacity(rows)).finish())
            }
            Values::Float(builder) => Arc::new(builder.finish()),
            Values::Text(builder) => {
                let bytes = builder.values_slice().len();
                let next = StringBuilder::with_capacity(rows, bytes);
                Arc::new(std::mem::replace(builder, next).finish())
            }
            Values::Bytes(builder) => Arc::new(builder.finish()),
            Values::Time(builder) => Arc::new(builder.finish()),
            Values::Texts(lists, items) => {
                let (offsets, validity) = lists.finish();
                let items = Arc::new(items.finish());
                Arc::new(ListArray::try_new(element(), offsets, items, validity)?)
            }
            Values::Map(lists, keys, items) => {
                let (offsets, validity) = lists.finish();
                let items: Vec<ArrayRef> = vec![Arc::new(keys.finish()), Arc::new(items.finish())];
                let items = StructArray::try_new(pair(DataType::Utf8), items, None)?;
                let field = entries(DataType::Utf8);
                Arc::new(MapArray::try_new(field, offsets, items, validity, false)?)
            }
        })
    }
}
