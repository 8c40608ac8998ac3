//! Values of columns.
//!
//! Eight types are enough for every field, and each has one canonical byte form (see
//! `schemas/segment/leaf.md`). There is no null cell: a column without a value has no cell.

use std::borrow::Cow;

use crate::time::Timestamp;

/// Type of a column. The discriminant is the type byte of the leaf format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum CellType {
    /// Boolean.
    Bool = 1,
    /// 64-bit signed integer.
    Int = 2,
    /// 64-bit float.
    Float = 3,
    /// UTF-8 text.
    Text = 4,
    /// Bytes.
    Bytes = 5,
    /// Microseconds since the Unix epoch, UTC.
    Time = 6,
    /// List of texts.
    Texts = 7,
    /// Map of text to text, keys unique and in ascending byte order.
    Map = 8,
}

/// Value of one column of one event; borrows from the record where it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Boolean.
    Bool(bool),
    /// 64-bit signed integer.
    Int(i64),
    /// 64-bit float.
    Float(f64),
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Instant.
    Time(Timestamp),
    /// List of texts.
    Texts(Vec<Cow<'a, str>>),
    /// Map of text to text, keys unique and in ascending byte order.
    Map(Vec<(Cow<'a, str>, Cow<'a, str>)>),
}

impl Cell<'_> {
    /// Type of the cell.
    #[must_use]
    pub const fn cell_type(&self) -> CellType {
        match self {
            Self::Bool(_) => CellType::Bool,
            Self::Int(_) => CellType::Int,
            Self::Float(_) => CellType::Float,
            Self::Text(_) => CellType::Text,
            Self::Bytes(_) => CellType::Bytes,
            Self::Time(_) => CellType::Time,
            Self::Texts(_) => CellType::Texts,
            Self::Map(_) => CellType::Map,
        }
    }

    /// The text of a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Cell::Text(text) = self { Some(text) } else { None }
    }

    /// The number of an integer or a float.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
            Self::Int(value) => Some(*value as f64),
            Self::Bool(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Time(_)
            | Self::Texts(_)
            | Self::Map(_) => None,
        }
    }

    /// The same value, owning its bytes.
    #[must_use]
    pub fn into_owned(self) -> Cell<'static> {
        let own = |text: Cow<'_, str>| -> Cow<'static, str> { Cow::Owned(text.into_owned()) };
        match self {
            Self::Bool(value) => Cell::Bool(value),
            Self::Int(value) => Cell::Int(value),
            Self::Float(value) => Cell::Float(value),
            Self::Text(value) => Cell::Text(own(value)),
            Self::Bytes(value) => Cell::Bytes(Cow::Owned(value.into_owned())),
            Self::Time(value) => Cell::Time(value),
            Self::Texts(values) => Cell::Texts(values.into_iter().map(own).collect()),
            Self::Map(pairs) => {
                Cell::Map(pairs.into_iter().map(|(key, value)| (own(key), own(value))).collect())
            }
        }
    }
}

macro_rules! cell_from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl<'a> From<$from> for Cell<'a> {
            fn from(value: $from) -> Self {
                Cell::$variant(value.into())
            }
        })*
    };
}

cell_from! {
    bool => Bool,
    i64 => Int,
    f64 => Float,
    &'a str => Text,
    String => Text,
    Cow<'a, str> => Text,
    &'a [u8] => Bytes,
    Vec<u8> => Bytes,
    Timestamp => Time,
}

impl From<Vec<String>> for Cell<'_> {
    fn from(values: Vec<String>) -> Self {
        Self::Texts(values.into_iter().map(Cow::Owned).collect())
    }
}

impl From<std::collections::BTreeMap<String, String>> for Cell<'_> {
    fn from(pairs: std::collections::BTreeMap<String, String>) -> Self {
        Self::Map(pairs.into_iter().map(|(k, v)| (Cow::Owned(k), Cow::Owned(v))).collect())
    }
}
