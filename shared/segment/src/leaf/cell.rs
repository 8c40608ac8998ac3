//! Cells: a column's path, type and value as a leaf or a commitment hashes them.
//!
//! Every length is checked: a value whose length the format cannot tell is refused, never cut.

use std::sync::LazyLock;

use event::{Cell, ColumnId, Event};
use merkle::Hash;
use sha2::{Digest, Sha256};

/// First line of what a field's commitment hashes.
pub const FIELD_FORMAT: &str = "driftseal/field/v1";

/// The one NaN.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// A text or value is longer than its length in the format can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// A column as the leaf names it.
pub(super) struct Code {
    /// `u16` length, path, type.
    name: Vec<u8>,
    pub(super) path: &'static str,
    pub(super) erasable: bool,
}

/// The column of that number.
fn code(column: ColumnId) -> &'static Code {
    static CODES: LazyLock<Vec<Code>> = LazyLock::new(|| {
        let columns = event::schema().columns().iter();
        columns
            .map(|column| {
                let mut name = Vec::new();
                let Ok(()) = put_short(column.path.as_bytes(), &mut name) else {
                    unreachable!("the path `{}` of the event schema is short", column.path)
                };
                name.push(column.cell_type as u8);
                Code { name, path: &column.path, erasable: column.erasable }
            })
            .collect()
    });
    let Some(code) = CODES.get(column.index()) else {
        unreachable!("there is one event schema, and it gave out number {}", column.index())
    };
    code
}

/// The cells of an event with their columns.
pub(super) fn coded<'e>(
    event: &'e Event<'_>,
) -> impl Iterator<Item = (&'static Code, &'e Cell<'e>)> {
    event.cells().iter().map(|(id, cell)| (code(*id), cell))
}

/// Commitment of an erasable field's value: what stands in the leaf for it.
///
/// # Panics
///
/// A value of 4 GiB, which no record can hold.
#[must_use]
pub fn field_commitment(column: ColumnId, cell: &Cell<'_>, salt: &Hash) -> Hash {
    match commitment(&mut Vec::new(), code(column), cell, salt) {
        Ok(commitment) => commitment,
        Err(TooLong) => unreachable!("a value of 4 GiB came from a record"),
    }
}

pub(super) fn commitment(
    field: &mut Vec<u8>,
    code: &Code,
    cell: &Cell<'_>,
    salt: &Hash,
) -> Result<Hash, TooLong> {
    field.clear();
    field.extend_from_slice(FIELD_FORMAT.as_bytes());
    field.push(b'\n');
    field.extend_from_slice(salt);
    put_cell(code, cell, field)?;
    Ok(Sha256::digest(field).into())
}

/// `u16` length, path, commitment.
pub(super) fn put_commitment(
    path: &str,
    commitment: &Hash,
    into: &mut Vec<u8>,
) -> Result<(), TooLong> {
    put_short(path.as_bytes(), into)?;
    into.extend_from_slice(commitment);
    Ok(())
}

/// `u16` length, path, type, `u32` length, value.
pub(super) fn put_cell(code: &Code, cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), TooLong> {
    into.extend_from_slice(&code.name);
    match cell {
        Cell::Bool(value) => {
            into.extend_from_slice(&1_u32.to_be_bytes());
            into.push(u8::from(*value));
        }
        Cell::Int(value) => put_eight(value.to_be_bytes(), into),
        Cell::Float(value) => {
            let bits = if value.is_nan() { NAN_BITS } else { value.to_bits() };
            put_eight(bits.to_be_bytes(), into);
        }
        Cell::Time(value) => put_eight(value.micros().to_be_bytes(), into),
        Cell::Text(value) => put_long(value.as_bytes(), into)?,
        Cell::Bytes(value) => put_long(value, into)?,
        Cell::Texts(values) => {
            let size: usize = values.iter().map(|text| 4 + text.len()).sum();
            put_length(4 + size, into)?;
            put_length(values.len(), into)?;
            for value in values {
                put_long(value.as_bytes(), into)?;
            }
        }
        Cell::Map(pairs) => {
            let size: usize = pairs.iter().map(|(key, value)| 8 + key.len() + value.len()).sum();
            put_length(4 + size, into)?;
            put_length(pairs.len(), into)?;
            for (key, value) in pairs {
                put_long(key.as_bytes(), into)?;
                put_long(value.as_bytes(), into)?;
            }
        }
    }
    Ok(())
}

fn put_eight(value: [u8; 8], into: &mut Vec<u8>) {
    into.extend_from_slice(&8_u32.to_be_bytes());
    into.extend_from_slice(&value);
}

fn put_long(value: &[u8], into: &mut Vec<u8>) -> Result<(), TooLong> {
    put_length(value.len(), into)?;
    into.extend_from_slice(value);
    Ok(())
}

fn put_length(length: usize, into: &mut Vec<u8>) -> Result<(), TooLong> {
    let length = u32::try_from(length).map_err(|_| TooLong)?;
    into.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// `u16` length and bytes.
pub(super) fn put_short(value: &[u8], into: &mut Vec<u8>) -> Result<(), TooLong> {
    let length = u16::try_from(value.len()).map_err(|_| TooLong)?;
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(value);
    Ok(())
}
