//! From stored columns back to rows, borrowing from the arrays.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Int32Array, ListArray,
    MapArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use event::{Cell, CellType, ColumnId, Event, Timestamp, TimestampType};
use merkle::Hash;

use super::schema::{Part, coordinate, data_type, layout};
use crate::leaf::RowSalt;

/// What is wrong, with the path of the column.
#[derive(Debug)]
pub(crate) struct ColumnFault {
    pub(crate) path: String,
    /// What is wrong; `None` if this version does not know the column.
    pub(crate) detail: Option<String>,
}

/// A row's coordinates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coordinates<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) schema_id: &'a str,
    pub(crate) record_digest: Hash,
    pub(crate) salt: Option<RowSalt>,
}

#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Bool(&'a BooleanArray),
    Int(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float64Type>),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Time(&'a PrimitiveArray<TimestampMicrosecondType>),
    Texts(&'a ListArray, &'a StringArray),
    Map(&'a MapArray, &'a StringArray, &'a StringArray),
}

#[derive(Debug)]
struct Column<'a> {
    id: ColumnId,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// Columns that have a value only where the group has.
#[derive(Debug)]
struct Group<'a> {
    nulls: Option<&'a NullBuffer>,
    columns: Vec<Column<'a>>,
}

/// Reads the rows of a batch.
#[derive(Debug)]
pub(crate) struct RowReader<'a> {
    rows: usize,
    topics: &'a StringArray,
    partitions: &'a Int32Array,
    offsets: &'a PrimitiveArray<Int64Type>,
    timestamps: &'a PrimitiveArray<TimestampMillisecondType>,
    timestamp_types: &'a Int32Array,
    schema_ids: &'a StringArray,
    record_digests: &'a FixedSizeBinaryArray,
    salts: &'a FixedSizeBinaryArray,
    /// In ascending order of columns; only those with a value in this batch.
    groups: Vec<Group<'a>>,
    erased: Option<(&'a MapArray, &'a StringArray, &'a BinaryArray)>,
    kept: Option<(&'a MapArray, &'a StringArray, &'a BinaryArray)>,
}

fn fault(path: &str, detail: impl Into<String>) -> ColumnFault {
    ColumnFault { path: path.to_owned(), detail: Some(detail.into()) }
}

fn unknown(path: &str) -> ColumnFault {
    ColumnFault { path: path.to_owned(), detail: None }
}

impl<'a> RowReader<'a> {
    /// Finds the columns. Event columns that the file lacks (it was written by an earlier minor)
    /// have no values; a column that this version does not know is a fault.
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self, ColumnFault> {
        let schema = batch.schema_ref();
        let mut event_columns = 0_usize;
        let mut groups = Vec::new();
        for part in &layout().parts {
            let (Part::Column(_, expected) | Part::Group(expected, _)) = part;
            let Some(array) = batch.column_by_name(expected.name()) else {
                if expected.is_nullable() {
                    continue;
                }
                return Err(fault(expected.name(), "is missing"));
            };
            event_columns = event_columns.saturating_add(1);
            match part {
                Part::Column(id, _) => {
                    let column = column(*id, array)?;
                    if array.null_count() < array.len() {
                        groups.push(Group { nulls: None, columns: vec![column] });
                    }
                }
                Part::Group(_, ids) => groups.extend(group(expected.name(), ids, array)?),
            }
        }
        groups.sort_by_key(|group| group.columns.first().map(|column| column.id));
        let reader = Self {
            rows: batch.num_rows(),
            topics: required(batch, coordinate::TOPIC, AsArray::as_string_opt)?,
            partitions: required(batch, coordinate::PARTITION, AsArray::as_primitive_opt)?,
            offsets: required(batch, coordinate::OFFSET, AsArray::as_primitive_opt)?,
            timestamps: required(batch, coordinate::TIMESTAMP, AsArray::as_primitive_opt)?,
            timestamp_types: required(batch, coordinate::TIMESTAMP_TYPE, |array| {
                array.as_primitive_opt::<Int32Type>()
            })?,
            schema_ids: required(batch, coordinate::SCHEMA_ID, AsArray::as_string_opt)?,
            record_digests: fixed(batch, coordinate::RECORD_DIGEST, 32)?,
            salts: fixed(batch, coordinate::SALT, 16)?,
            groups,
            erased: secrets(batch, coordinate::ERASED_COMMITMENTS)?,
            kept: secrets(batch, coordinate::KEPT_SALTS)?,
        };
        // Every known name was found at most once; what remains is unknown.
        let known = event_columns.saturating_add(COORDINATES.len());
        if schema.fields().len() == known {
            return Ok(reader);
        }
        let stranger = schema
            .fields()
            .iter()
            .find(|field| layout().schema.field_with_name(field.name()).is_err());
        Err(match stranger {
            Some(field) => unknown(field.name()),
            None => fault("", "a column is there twice"),
        })
    }

    /// Number of rows.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Coordinates of a row, which must exist.
    pub(crate) fn coordinates(&self, row: usize) -> Result<Coordinates<'a>, String> {
        let timestamp_type = u8::try_from(self.timestamp_types.value(row))
            .ok()
            .and_then(TimestampType::from_byte)
            .ok_or("the timestamp type is none of 0, 1 and 2")?;
        let digest: &[u8] = self.record_digests.value(row);
        let salt = if self.salts.is_valid(row) {
            let salt: &[u8] = self.salts.value(row);
            Some(salt.try_into().map_err(|_| "the salt is not 16 bytes")?)
        } else {
            None
        };
        Ok(Coordinates {
            topic: self.topics.value(row),
            partition: self.partitions.value(row),
            offset: self.offsets.value(row),
            timestamp_ms: self.timestamps.value(row),
            timestamp_type,
            schema_id: self.schema_ids.value(row),
            record_digest: digest.try_into().map_err(|_| "the digest is not 32 bytes")?,
            salt,
        })
    }

    /// The event of a row, which must exist.
    pub(crate) fn event(&self, row: usize) -> Result<Event<'a>, String> {
        let mut event = Event::empty();
        for group in &self.groups {
            if group.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            for column in &group.columns {
                if column.nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                    event.set(column.id, column.values.cell(row)?);
                }
            }
        }
        Ok(event)
    }

    /// Commitments of the erased fields of a row, by path.
    pub(crate) fn erased_commitments(&self, row: usize) -> Result<Vec<(&'a str, Hash)>, String> {
        hashes(self.erased, row)
    }

    /// Salts of the fields of a row that were not erased where others were, by path.
    pub(crate) fn kept_salts(&self, row: usize) -> Result<Vec<(&'a str, Hash)>, String> {
        hashes(self.kept, row)
    }
}

const COORDINATES: [&str; 10] = [
    coordinate::TOPIC,
    coordinate::PARTITION,
    coordinate::OFFSET,
    coordinate::TIMESTAMP,
    coordinate::TIMESTAMP_TYPE,
    coordinate::SCHEMA_ID,
    coordinate::RECORD_DIGEST,
    coordinate::SALT,
    coordinate::ERASED_COMMITMENTS,
    coordinate::KEPT_SALTS,
];

/// A column whose type is that of the layout.
fn typed<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ColumnFault> {
    let array = batch.column_by_name(name).ok_or_else(|| fault(name, "is missing"))?;
    let field = layout().schema.field_with_name(name).map_err(|_| fault(name, "is unknown"))?;
    if array.data_type() != field.data_type() {
        return Err(wrong_type(name, field.data_type(), array));
    }
    if !field.is_nullable() && array.null_count() > 0 {
        return Err(fault(name, "a value is missing"));
    }
    Ok(array)
}

fn wrong_type(path: &str, expected: &DataType, found: &ArrayRef) -> ColumnFault {
    fault(path, format!("is of type {}, not {expected}", found.data_type()))
}

fn required<'a, A>(
    batch: &'a RecordBatch,
    name: &str,
    cast: impl FnOnce(&'a ArrayRef) -> Option<&'a A>,
) -> Result<&'a A, ColumnFault> {
    let array = typed(batch, name)?;
    cast(array).ok_or_else(|| fault(name, "is of another type"))
}

fn fixed<'a>(
    batch: &'a RecordBatch,
    name: &str,
    size: i32,
) -> Result<&'a FixedSizeBinaryArray, ColumnFault> {
    required(batch, name, AsArray::as_fixed_size_binary_opt).and_then(|array| {
        if array.value_length() == size { Ok(array) } else { Err(fault(name, "has another width")) }
    })
}

type Secrets<'a> = Option<(&'a MapArray, &'a StringArray, &'a BinaryArray)>;

/// A map of text to bytes; `None` if it is empty everywhere.
fn secrets<'a>(batch: &'a RecordBatch, name: &str) -> Result<Secrets<'a>, ColumnFault> {
    let map = required(batch, name, AsArray::as_map_opt)?;
    let (Some(keys), Some(values)) =
        (map.keys().as_string_opt(), map.values().as_binary_opt::<i32>())
    else {
        return Err(fault(name, "is of another type"));
    };
    Ok((map.null_count() < map.len()).then_some((map, keys, values)))
}

fn hashes<'a>(secrets: Secrets<'a>, row: usize) -> Result<Vec<(&'a str, Hash)>, String> {
    let Some((map, keys, values)) = secrets.filter(|(map, _, _)| map.is_valid(row)) else {
        return Ok(Vec::new());
    };
    range(map.value_offsets(), row)
        .map(|at| {
            let hash = values.value(at).try_into().map_err(|_| "a hash is not 32 bytes")?;
            Ok((keys.value(at), hash))
        })
        .collect()
}

/// Positions of the items of a row.
fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let offset = |at: usize| offsets.get(at).and_then(|at| usize::try_from(*at).ok());
    match (offset(row), row.checked_add(1).and_then(offset)) {
        (Some(start), Some(end)) => start..end,
        _ => 0..0,
    }
}

fn column(id: ColumnId, array: &ArrayRef) -> Result<Column<'_>, ColumnFault> {
    let column = event::schema().column(id);
    let expected = data_type(column.cell_type);
    let wrong = || wrong_type(&column.path, &expected, array);
    if *array.data_type() != expected {
        return Err(wrong());
    }
    if column.required && array.null_count() > 0 {
        return Err(fault(&column.path, "a value is missing"));
    }
    let values = match column.cell_type {
        CellType::Bool => array.as_boolean_opt().map(Values::Bool),
        CellType::Int => array.as_primitive_opt().map(Values::Int),
        CellType::Float => array.as_primitive_opt().map(Values::Float),
        CellType::Text => array.as_string_opt().map(Values::Text),
        CellType::Bytes => array.as_binary_opt().map(Values::Bytes),
        CellType::Time => array.as_primitive_opt().map(Values::Time),
        CellType::Texts => array
            .as_list_opt()
            .and_then(|list| Some(Values::Texts(list, list.values().as_string_opt()?))),
        CellType::Map => array.as_map_opt().and_then(|map| {
            Some(Values::Map(map, map.keys().as_string_opt()?, map.values().as_string_opt()?))
        }),
    };
    Ok(Column { id, nulls: array.nulls(), values: values.ok_or_else(wrong)? })
}

/// A group; `None` if no row has a value in it.
fn group<'a>(
    name: &str,
    ids: &[ColumnId],
    array: &'a ArrayRef,
) -> Result<Option<Group<'a>>, ColumnFault> {
    let group = array.as_struct_opt().ok_or_else(|| fault(name, "is not a group"))?;
    let mut known = 0_usize;
    let mut columns = Vec::new();
    for id in ids {
        let Some(array) = group.column_by_name(&event::schema().column(*id).name) else {
            continue;
        };
        known = known.saturating_add(1);
        let column = column(*id, array)?;
        if array.null_count() < array.len() {
            columns.push(column);
        }
    }
    if group.num_columns() != known {
        let stranger = group
            .column_names()
            .into_iter()
            .map(|inner| format!("{name}.{inner}"))
            .find(|path| event::schema().id(path).is_none());
        return Err(match stranger {
            Some(path) => unknown(&path),
            None => fault(name, "a column is there twice"),
        });
    }
    Ok((!columns.is_empty()).then_some(Group { nulls: group.nulls(), columns }))
}

impl<'a> Values<'a> {
    fn cell(self, row: usize) -> Result<Cell<'a>, String> {
        Ok(match self {
            Self::Bool(array) => Cell::Bool(array.value(row)),
            Self::Int(array) => Cell::Int(array.value(row)),
            Self::Float(array) => Cell::Float(array.value(row)),
            Self::Text(array) => Cell::Text(Cow::Borrowed(array.value(row))),
            Self::Bytes(array) => Cell::Bytes(Cow::Borrowed(array.value(row))),
            Self::Time(array) => Cell::Time(Timestamp::from_micros(array.value(row))),
            Self::Texts(lists, items) => {
                let items = range(lists.value_offsets(), row).map(|at| items.value(at));
                Cell::Texts(items.map(Cow::Borrowed).collect())
            }
            Self::Map(maps, keys, items) => {
                let pairs: Vec<_> = range(maps.value_offsets(), row)
                    .map(|at| (Cow::Borrowed(keys.value(at)), Cow::Borrowed(items.value(at))))
                    .collect();
                if !pairs.is_sorted_by(|(before, _), (after, _)| before < after) {
                    return Err("the keys of a map do not ascend".to_owned());
                }
                Cell::Map(pairs)
            }
        })
    }
}
