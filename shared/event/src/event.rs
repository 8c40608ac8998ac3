//! An event as a sparse row: the columns that have a value, in ascending order of their paths.
//!
//! Some 25 of some 190 columns are filled in a typical event; a sparse row makes decoding, leaves
//! and Arrow columns cost what is there and not what could be.

use thiserror::Error;

use std::borrow::Cow;

use crate::cell::{Cell, CellType};
use crate::column;
use crate::plan::plan;
use crate::schema::{ColumnId, schema};
use crate::time::Timestamp;
use crate::typed::{Bool, Bytes, Int, Map, Number, Text, Texts, Time, TypedColumn, ValueOf};

/// One event. Borrows from the record it was decoded from where it can.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    cells: Vec<(ColumnId, Cell<'a>)>,
}

impl<'a> Event<'a> {
    /// An event without any cell; decoders fill it.
    #[must_use]
    pub const fn empty() -> Self {
        Self { cells: Vec::new() }
    }

    pub(crate) fn with_capacity(cells: usize) -> Self {
        Self { cells: Vec::with_capacity(cells) }
    }

    /// The cells, in ascending order of their columns.
    #[must_use]
    pub fn cells(&self) -> &[(ColumnId, Cell<'a>)] {
        &self.cells
    }

    /// Appends a cell; fast when columns arrive in ascending order, correct in any order. A
    /// second value for a column replaces the first.
    #[inline]
    pub fn set(&mut self, column: impl Into<ColumnId>, cell: Cell<'a>) {
        let column = column.into();
        if self.cells.last().is_none_or(|(last, _)| *last < column) {
            self.cells.push((column, cell));
        } else {
            self.insert(column, cell);
        }
    }

    /// Sets a column that is not behind all others.
    #[cold]
    fn insert(&mut self, column: ColumnId, cell: Cell<'a>) {
        match self.cells.binary_search_by_key(&column, |(id, _)| *id) {
            Ok(at) => {
                if let Some(slot) = self.cells.get_mut(at) {
                    slot.1 = cell;
                }
            }
            Err(at) => self.cells.insert(at, (column, cell)),
        }
    }

    /// The value of a column.
    #[must_use]
    pub fn get(&self, column: impl Into<ColumnId>) -> Option<&Cell<'a>> {
        let column = column.into();
        let at = self.cells.binary_search_by_key(&column, |(id, _)| *id).ok()?;
        self.cells.get(at).map(|(_, cell)| cell)
    }

    /// Takes the value of a column out.
    pub fn take(&mut self, column: impl Into<ColumnId>) -> Option<Cell<'a>> {
        let column = column.into();
        let at = self.cells.binary_search_by_key(&column, |(id, _)| *id).ok()?;
        Some(self.cells.remove(at).1)
    }

    /// The text of a column.
    #[must_use]
    pub fn text(&self, column: TypedColumn<Text>) -> Option<&str> {
        self.get(column)?.as_text()
    }

    /// The number of an integer or float column.
    #[must_use]
    pub fn number<N: Number>(&self, column: TypedColumn<N>) -> Option<f64> {
        self.get(column)?.as_number()
    }

    /// The value of an integer column.
    #[must_use]
    pub fn int(&self, column: TypedColumn<Int>) -> Option<i64> {
        if let Some(Cell::Int(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// The value of a boolean column.
    #[must_use]
    pub fn bool(&self, column: TypedColumn<Bool>) -> Option<bool> {
        if let Some(Cell::Bool(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// The value of a time column.
    #[must_use]
    pub fn time(&self, column: TypedColumn<Time>) -> Option<Timestamp> {
        if let Some(Cell::Time(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// The bytes of a column.
    #[must_use]
    pub fn bytes(&self, column: TypedColumn<Bytes>) -> Option<&[u8]> {
        if let Some(Cell::Bytes(value)) = self.get(column) { Some(value) } else { None }
    }

    /// The texts of a column; none if it has no value.
    #[must_use]
    pub fn texts(&self, column: TypedColumn<Texts>) -> &[Cow<'a, str>] {
        if let Some(Cell::Texts(values)) = self.get(column) { values } else { &[] }
    }

    /// The pairs of a map column, in ascending order of keys; none if it has no value.
    #[must_use]
    pub fn map(&self, column: TypedColumn<Map>) -> &[(Cow<'a, str>, Cow<'a, str>)] {
        if let Some(Cell::Map(pairs)) = self.get(column) { pairs } else { &[] }
    }

    pub(crate) fn into_cells(self) -> Vec<(ColumnId, Cell<'a>)> {
        self.cells
    }

    /// The same event, owning its bytes.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event { cells: self.cells.into_iter().map(|(id, cell)| (id, cell.into_owned())).collect() }
    }
}

/// Why an event could not be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The value is of another type than the column.
    #[error("column `{path}` holds {expected:?}, not {found:?}")]
    WrongType {
        /// The column.
        path: &'static str,
        /// Its type.
        expected: CellType,
        /// Type of the value.
        found: CellType,
    },
    /// A required column has no value.
    #[error("column `{0}` is required")]
    Missing(&'static str),
}

/// Builds events in code: columns and their types are checked when it is compiled.
#[derive(Debug, Clone, Default)]
pub struct EventBuilder {
    event: Event<'static>,
    error: Option<BuildError>,
}

impl EventBuilder {
    /// An event of a kind; `schema_version` is filled.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self::default()
            .set(column::KIND, kind)
            .set(column::SCHEMA_VERSION, crate::schema::SCHEMA_VERSION)
    }

    /// Sets a column.
    #[must_use]
    pub fn set<'v, T, V>(mut self, column: TypedColumn<T>, value: V) -> Self
    where
        V: ValueOf<T> + Into<Cell<'v>>,
    {
        self.event.set(column, value.into().into_owned());
        self
    }

    /// Sets a column if there is a value.
    #[must_use]
    pub fn set_some<'v, T, V>(self, column: TypedColumn<T>, value: Option<V>) -> Self
    where
        V: ValueOf<T> + Into<Cell<'v>>,
    {
        match value {
            Some(value) => self.set(column, value),
            None => self,
        }
    }

    /// Sets a column that is known only when the program runs. The first value of a wrong type is
    /// returned by [`Self::build`].
    #[must_use]
    pub fn set_cell(mut self, column: ColumnId, cell: Cell<'_>) -> Self {
        let expected = schema().column(column).cell_type;
        let found = cell.cell_type();
        if expected == found {
            self.event.set(column, cell.into_owned());
        } else {
            let path = column.path();
            self.error.get_or_insert(BuildError::WrongType { path, expected, found });
        }
        self
    }

    /// The event.
    ///
    /// # Errors
    ///
    /// The first value of a wrong type, or the first required column that has no value.
    pub fn build(self) -> Result<Event<'static>, BuildError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        for id in &plan().required {
            if self.event.get(*id).is_none() {
                return Err(BuildError::Missing(id.path()));
            }
        }
        Ok(self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[test]
    fn a_builder_names_the_wrong_column() {
        let status = column::run::STATUS.id();
        let wrong = EventBuilder::new(kind::RUN_COMPLETED).set_cell(status, true.into()).build();
        assert_eq!(
            wrong,
            Err(BuildError::WrongType {
                path: "run.status",
                expected: CellType::Text,
                found: CellType::Bool,
            })
        );
        let missing = EventBuilder::new(kind::RUN_COMPLETED).build();
        assert_eq!(missing, Err(BuildError::Missing("event_id")));
    }

    #[test]
    fn cells_are_in_column_order_however_they_arrive() {
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::run::STATUS, "ok")
            .set(column::EVENT_TIME, Timestamp::from_micros(1))
            .set(column::EVENT_ID, "x")
            .set(column::EVENT_ID, "y")
            .build()
            .unwrap();
        assert!(event.cells().is_sorted_by_key(|(id, _)| *id));
        assert_eq!(event.text(column::EVENT_ID), Some("y"));
    }
}
