//! A record of a source: a JSON value, or a row of a CSV file as an object of texts.

use serde_json::{Map, Value};

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record(Value);

impl Record {
    /// A JSON record.
    #[must_use]
    pub const fn json(value: Value) -> Self {
        Self(value)
    }

    /// A row: cells with their column names. Empty cells count as absent.
    pub fn row<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let object: Map<String, Value> = cells
            .into_iter()
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(name, cell)| (name.to_owned(), cell.into()))
            .collect();
        Self(Value::Object(object))
    }

    pub(crate) const fn root(&self) -> &Value {
        &self.0
    }
}
