//! An event as a sparse row: the columns that have a value, in ascending order of their paths.
//!
//! Some 25 of some 190 columns are filled in a typical event; a sparse row makes decoding, leaves
//! and Arrow columns cost what is there and not what could be.

use thiserror::Error;

use crate::cell::{Cell, CellType};
use crate::schema::{ColumnId, schema};
use crate::time::Timestamp;

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
    pub fn set(&mut self, column: ColumnId, cell: Cell<'a>) {
        if self.cells.last().is_none_or(|(last, _)| *last < column) {
            self.cells.push((column, cell));
            return;
        }
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
    pub fn get(&self, column: ColumnId) -> Option<&Cell<'a>> {
        let at = self.cells.binary_search_by_key(&column, |(id, _)| *id).ok()?;
        self.cells.get(at).map(|(_, cell)| cell)
    }

    /// The value of a column by its path; for tests and cold paths.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Cell<'a>> {
        self.get(schema().id(path)?)
    }

    /// The text of a text column.
    #[must_use]
    pub fn text(&self, column: ColumnId) -> Option<&str> {
        if let Some(Cell::Text(text)) = self.get(column) { Some(text) } else { None }
    }

    /// The number of an integer or float column.
    #[must_use]
    pub fn number(&self, column: ColumnId) -> Option<f64> {
        match self.get(column) {
            Some(Cell::Float(value)) => Some(*value),
            #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
            Some(Cell::Int(value)) => Some(*value as f64),
            Some(_) | None => None,
        }
    }

    /// The value of an integer column.
    #[must_use]
    pub fn int(&self, column: ColumnId) -> Option<i64> {
        if let Some(Cell::Int(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// The value of a boolean column.
    #[must_use]
    pub fn bool(&self, column: ColumnId) -> Option<bool> {
        if let Some(Cell::Bool(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// The value of a time column.
    #[must_use]
    pub fn time(&self, column: ColumnId) -> Option<Timestamp> {
        if let Some(Cell::Time(value)) = self.get(column) { Some(*value) } else { None }
    }

    /// Text by path; for tests and cold paths.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<&str> {
        schema().id(path).and_then(|id| self.text(id))
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
    /// No column has that path.
    #[error("no column `{0}`")]
    UnknownColumn(String),
    /// The value is of another type than the column.
    #[error("column `{path}` holds {expected:?}, not {found:?}")]
    WrongType {
        /// The column.
        path: String,
        /// Its type.
        expected: CellType,
        /// Type of the value.
        found: CellType,
    },
    /// A required column has no value.
    #[error("column `{0}` is required")]
    Missing(String),
}

/// Builds events in code, checking paths and types against the schema.
#[derive(Debug, Clone, Default)]
pub struct EventBuilder {
    event: Event<'static>,
    error: Option<BuildError>,
}

impl EventBuilder {
    /// An event of a kind; `schema_version` is filled.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self::default().set("kind", kind).set("schema_version", crate::schema::SCHEMA_VERSION)
    }

    /// Sets a column. The first error is kept and returned by [`Self::build`].
    #[must_use]
    pub fn set<'v>(mut self, path: &str, value: impl Into<Cell<'v>>) -> Self {
        let cell = value.into();
        match schema().id(path) {
            None => {
                self.error.get_or_insert_with(|| BuildError::UnknownColumn(path.into()));
            }
            Some(id) => {
                let expected = schema().column(id).cell_type;
                let found = cell.cell_type();
                if expected == found {
                    self.event.set(id, cell.into_owned());
                } else {
                    self.error.get_or_insert_with(|| BuildError::WrongType {
                        path: path.into(),
                        expected,
                        found,
                    });
                }
            }
        }
        self
    }

    /// Sets a column if there is a value.
    #[must_use]
    pub fn set_some<'v>(self, path: &str, value: Option<impl Into<Cell<'v>>>) -> Self {
        match value {
            Some(value) => self.set(path, value),
            None => self,
        }
    }

    /// The event.
    ///
    /// # Errors
    ///
    /// The first wrong path or type, or the first required column that has no value.
    pub fn build(self) -> Result<Event<'static>, BuildError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        for (index, column) in schema().columns().iter().enumerate() {
            let id = u16::try_from(index).map(ColumnId).ok();
            if column.required && id.and_then(|id| self.event.get(id)).is_none() {
                return Err(BuildError::Missing(column.path.clone()));
            }
        }
        Ok(self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_names_the_wrong_column() {
        let wrong = EventBuilder::new("run.completed").set("run.status", true).build();
        assert_eq!(
            wrong,
            Err(BuildError::WrongType {
                path: "run.status".into(),
                expected: CellType::Text,
                found: CellType::Bool,
            })
        );
        let missing = EventBuilder::new("run.completed").build();
        assert_eq!(missing, Err(BuildError::Missing("event_id".into())));
    }

    #[test]
    fn cells_are_in_column_order_however_they_arrive() {
        let event = EventBuilder::new("run.completed")
            .set("run.status", "ok")
            .set("event_time", Timestamp::from_micros(1))
            .set("event_id", "x")
            .set("event_id", "y")
            .build()
            .unwrap();
        assert!(event.cells().is_sorted_by_key(|(id, _)| *id));
        assert_eq!(event.text_at("event_id"), Some("y"));
    }
}
