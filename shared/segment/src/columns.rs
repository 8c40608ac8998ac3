//! The columns of a segment: the Arrow schema that follows from the event schema, sparse events
//! into columns, and stored columns back into rows.
//!
//! Coordinates of the record first, then the event in a logical order (who, what, when), then
//! what an erasure left. Every group of the event schema is one nullable struct.

mod builders;
mod nulls;
mod rows;
mod schema;
mod values;

pub(crate) use builders::Columns;
pub(crate) use nulls::{NULL_ROWS_MAX, nulls};
pub(crate) use rows::{ColumnFault, RowReader};
pub use schema::arrow_schema;
pub(crate) use schema::{coordinate, layout_field, paths};
