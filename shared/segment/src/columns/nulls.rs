//! Columns without any value. Most columns of most batches are such, so they are made once.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, StructArray, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};

use super::schema::layout;

/// Most rows that [`nulls`] gives: those of one page, as the Parquet writer cuts pages.
pub(crate) const NULL_ROWS_MAX: usize = 20_000;

/// A column without any value; it costs the same for any number of rows, and shares its memory.
///
/// # Panics
///
/// For more than [`NULL_ROWS_MAX`] rows.
pub(crate) fn nulls(data_type: &DataType, rows: usize) -> ArrayRef {
    assert!(rows <= NULL_ROWS_MAX, "{rows} rows without a value at once");
    static VALIDITY: LazyLock<NullBuffer> = LazyLock::new(|| NullBuffer::new_null(NULL_ROWS_MAX));
    if let DataType::Struct(fields) = data_type {
        let members = fields.iter().map(|field| nulls(field.data_type(), rows)).collect();
        return Arc::new(StructArray::new(fields.clone(), members, Some(VALIDITY.slice(0, rows))));
    }
    static ALL: LazyLock<Vec<(DataType, ArrayRef)>> = LazyLock::new(|| {
        let mut all: Vec<(DataType, ArrayRef)> = Vec::new();
        for field in layout().schema.fields() {
            add(field, &mut all);
        }
        all
    });
    let known = ALL.iter().find(|(known, _)| known == data_type);
    known.map_or_else(|| new_null_array(data_type, rows), |(_, array)| array.slice(0, rows))
}

fn add(field: &Field, all: &mut Vec<(DataType, ArrayRef)>) {
    if let DataType::Struct(fields) = field.data_type() {
        fields.iter().for_each(|field| add(field, all));
    } else if field.is_nullable() && !all.iter().any(|(known, _)| known == field.data_type()) {
        all.push((field.data_type().clone(), new_null_array(field.data_type(), NULL_ROWS_MAX)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_null_arrays_of_every_column() {
        for rows in [0, 1, 1_000] {
            for field in layout().schema.fields().iter().filter(|field| field.is_nullable()) {
                let expected = new_null_array(field.data_type(), rows);
                assert_eq!(&nulls(field.data_type(), rows), &expected, "{}", field.name());
            }
        }
    }
}
