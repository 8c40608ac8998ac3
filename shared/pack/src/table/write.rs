//! Writes a file.

use event::Cell;

use super::columns::{Columns, Field, Shape, Source, Type};
use super::footer::{Chunk, MAGIC, footer};
use super::frame;
use super::levels::LevelWriter;
use super::limits::{BYTES_MAX, ROWS_MAX};
use super::page::Sizes;
use super::row::StoredRow;

/// The one NaN, as leaves have it.
pub(super) const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// Bytes that a row may add to the levels of a field.
const LEVELS_A_ROW: u64 = 16;

/// Writes the rows of a file.
#[derive(Debug)]
pub(crate) struct TableWriter {
    columns: Columns,
    buffers: Vec<Buffer>,
    rows: u32,
    bytes: u64,
}

/// What a field has so far.
#[derive(Debug, Default)]
struct Buffer {
    repetitions: LevelWriter,
    definitions: LevelWriter,
    /// Of a map, keys and values.
    values: [Vec<u8>; 2],
    bools: u64,
}

/// A value of a row.
enum Value<'v> {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Bytes(&'v [u8]),
    Fixed(&'v [u8]),
}

impl Buffer {
    fn add(&mut self, at: usize, value: &Value<'_>) {
        let Some(values) = self.values.get_mut(at) else {
            unreachable!("a field has at most two columns")
        };
        match value {
            Value::Bool(value) => {
                if self.bools.is_multiple_of(8) {
                    values.push(0);
                }
                if let (Some(last), true) = (values.last_mut(), value) {
                    *last |= 1 << (self.bools % 8);
                }
                self.bools += 1;
            }
            Value::Int32(value) => values.extend_from_slice(&value.to_le_bytes()),
            Value::Int64(value) => values.extend_from_slice(&value.to_le_bytes()),
            Value::Double(value) => {
                let bits = if value.is_nan() { NAN_BITS } else { value.to_bits() };
                values.extend_from_slice(&bits.to_le_bytes());
            }
            Value::Fixed(value) => values.extend_from_slice(value),
            Value::Bytes(value) => {
                let Ok(length) = u32::try_from(value.len()) else {
                    unreachable!("a file has at most {BYTES_MAX} bytes")
                };
                values.extend_from_slice(&length.to_le_bytes());
                values.extend_from_slice(value);
            }
        }
    }

    fn level(&mut self, field: &Field, definition: u8, first: bool) {
        if !field.required {
            self.definitions.push(definition);
        }
        if !matches!(field.shape, Shape::One(_)) {
            self.repetitions.push(u8::from(!first));
        }
    }

    fn bytes(&self) -> u64 {
        let values: usize = self.values.iter().map(Vec::len).sum();
        // Of a map both columns have the levels.
        values as u64 + 2 * (self.definitions.bytes() + self.repetitions.bytes())
    }
}

impl TableWriter {
    /// An empty file with these columns.
    pub(crate) fn new(columns: &Columns) -> Self {
        let buffers = columns.fields.iter().map(|_| Buffer::default()).collect();
        Self { columns: columns.clone(), buffers, rows: 0, bytes: 0 }
    }

    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    /// Whether the file has room for a row. One row fits into an empty file, unless it alone is
    /// beyond the limit of the format.
    pub(crate) fn has_room(&self, row: &StoredRow<'_>) -> bool {
        let levels = LEVELS_A_ROW * self.columns.fields.len() as u64;
        self.rows < ROWS_MAX && self.bytes + levels + size(row) <= BYTES_MAX
    }

    /// Appends a row, for which there is room.
    ///
    /// # Panics
    ///
    /// The event has a column that the file has not.
    pub(crate) fn push(&mut self, row: &StoredRow<'_>) {
        let cells = row.event.cells();
        let schema = event::schema();
        let groups: Vec<_> =
            cells.iter().filter_map(|(id, _)| schema.column(*id).group.as_deref()).collect();
        let mut written = 0_usize;
        for (field, buffer) in self.columns.fields.iter().zip(&mut self.buffers) {
            let one = match field.source {
                Source::Topic => Value::Bytes(row.topic.as_bytes()),
                Source::Partition => Value::Int32(row.partition),
                Source::Offset => Value::Int64(row.offset),
                Source::Timestamp => Value::Int64(row.timestamp_ms),
                Source::TimestampType => Value::Int32(i32::from(row.timestamp_type as u8)),
                Source::SchemaId => Value::Bytes(row.schema_id.as_bytes()),
                Source::RecordDigest => Value::Fixed(&row.record_digest),
                Source::Salt => {
                    buffer.level(field, u8::from(row.salt.is_some()), true);
                    if let Some(salt) = &row.salt {
                        buffer.add(0, &Value::Fixed(salt));
                    }
                    continue;
                }
                Source::Erased => {
                    push_secrets(field, buffer, &row.commitments);
                    continue;
                }
                Source::Kept => {
                    push_secrets(field, buffer, &row.kept_salts);
                    continue;
                }
                Source::Event(id) => {
                    let cell = row.event.get(id);
                    written += usize::from(cell.is_some());
                    let in_group = field.group.is_some_and(|group| groups.contains(&group));
                    push_cell(field, buffer, cell, in_group);
                    continue;
                }
            };
            buffer.level(field, field.value_level(), true);
            buffer.add(0, &one);
        }
        assert!(written == cells.len(), "an event has a column that its file has not");
        self.rows += 1;
        self.bytes = self.buffers.iter().map(Buffer::bytes).sum();
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// What the compressor says.
    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        let mut file = MAGIC.to_vec();
        let mut chunks = Vec::new();
        // What is written is let go of at once: a file would be held several times otherwise.
        for (field, buffer) in self.columns.fields.iter().zip(self.buffers) {
            let mut levels = Vec::new();
            let mut count = u64::from(self.rows);
            if !matches!(field.shape, Shape::One(_)) {
                buffer.repetitions.append_to(&mut levels);
                count = buffer.repetitions.count();
            }
            if !field.required {
                buffer.definitions.append_to(&mut levels);
            }
            for (of, values) in field.types().into_iter().zip(buffer.values) {
                debug_assert!(of != Type::Bool || buffer.bools.div_ceil(8) == values.len() as u64);
                let mut page = values;
                page.reserve_exact(levels.len());
                page.splice(0..0, levels.iter().copied());
                let uncompressed = page.len() as u64;
                let stored = if field.compressed {
                    let frame = frame::compress(&page)?;
                    drop(page);
                    frame
                } else {
                    page
                };
                let header = sizes(uncompressed, stored.len() as u64, count)?.header();
                let bytes = |page: u64| header.len() as u64 + page;
                chunks.push(Chunk {
                    offset: file.len() as u64,
                    uncompressed: bytes(uncompressed),
                    compressed: bytes(stored.len() as u64),
                    values: count,
                });
                file.extend_from_slice(&header);
                file.extend_from_slice(&stored);
            }
        }
        file.extend_from_slice(&footer(&self.columns, self.rows, &chunks));
        Ok(file)
    }
}

fn sizes(uncompressed: u64, compressed: u64, values: u64) -> Result<Sizes, String> {
    let number = |value: u64| u32::try_from(value).map_err(|_| "a page is too large".to_owned());
    Ok(Sizes {
        uncompressed: number(uncompressed)?,
        compressed: number(compressed)?,
        values: number(values)?,
    })
}

/// Most bytes that a row adds, but for the levels of fields that it has not.
fn size(row: &StoredRow<'_>) -> u64 {
    let of = |cell: &Cell<'_>| -> usize {
        match cell {
            Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) => 8,
            Cell::Text(value) => 4 + value.len(),
            Cell::Bytes(value) => 4 + value.len(),
            Cell::Texts(values) => values.iter().map(|value| 20 + value.len()).sum(),
            Cell::Map(pairs) => pairs.iter().map(|(key, value)| 40 + key.len() + value.len()).sum(),
        }
    };
    let cells: usize = row.event.cells().iter().map(|(_, cell)| of(cell)).sum();
    let secrets = row.commitments.iter().chain(&row.kept_salts);
    let secrets: usize = secrets.map(|(path, _)| 72 + path.len()).sum();
    (100 + row.topic.len() + row.schema_id.len() + cells + secrets) as u64
}

fn push_secrets(field: &Field, buffer: &mut Buffer, secrets: &[(&str, merkle::Hash)]) {
    if secrets.is_empty() {
        buffer.level(field, 0, true);
    }
    for (at, (path, hash)) in secrets.iter().enumerate() {
        buffer.level(field, field.value_level(), at == 0);
        buffer.add(0, &Value::Bytes(path.as_bytes()));
        buffer.add(1, &Value::Bytes(hash));
    }
}

fn push_cell(field: &Field, buffer: &mut Buffer, cell: Option<&Cell<'_>>, in_group: bool) {
    let Some(cell) = cell else {
        return buffer.level(field, u8::from(in_group), true);
    };
    let level = field.value_level();
    let one = match cell {
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) => Value::Int64(*value),
        Cell::Float(value) => Value::Double(*value),
        Cell::Text(value) => Value::Bytes(value.as_bytes()),
        Cell::Bytes(value) => Value::Bytes(value),
        Cell::Time(value) => Value::Int64(value.micros()),
        Cell::Texts(values) => {
            if values.is_empty() {
                buffer.level(field, level - 1, true);
            }
            for (at, value) in values.iter().enumerate() {
                buffer.level(field, level, at == 0);
                buffer.add(0, &Value::Bytes(value.as_bytes()));
            }
            return;
        }
        Cell::Map(pairs) => {
            if pairs.is_empty() {
                buffer.level(field, level - 1, true);
            }
            for (at, (key, value)) in pairs.iter().enumerate() {
                buffer.level(field, level, at == 0);
                buffer.add(0, &Value::Bytes(key.as_bytes()));
                buffer.add(1, &Value::Bytes(value.as_bytes()));
            }
            return;
        }
    };
    buffer.level(field, level, true);
    buffer.add(0, &one);
}
