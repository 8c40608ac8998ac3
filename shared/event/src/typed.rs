//! Columns whose type the compiler knows: a misspelt column or a value of the wrong type does not
//! compile.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use crate::column::PATHS;
use crate::schema::ColumnId;
use crate::time::Timestamp;

/// A column and the type of its values; see [`crate::column`] for all of them.
pub struct TypedColumn<T> {
    id: ColumnId,
    values: PhantomData<fn() -> T>,
}

impl<T> TypedColumn<T> {
    /// Number of the column.
    #[must_use]
    pub const fn id(self) -> ColumnId {
        self.id
    }

    /// Path of the column, such as `run.status`.
    #[must_use]
    pub fn path(self) -> &'static str {
        self.id.path()
    }
}

// Derived, these would ask the same of `T`, which is only a mark.
impl<T> Clone for TypedColumn<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TypedColumn<T> {}

impl<T> PartialEq for TypedColumn<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> Eq for TypedColumn<T> {}

impl<T> std::fmt::Debug for TypedColumn<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path())
    }
}

impl<T> From<TypedColumn<T>> for ColumnId {
    fn from(column: TypedColumn<T>) -> Self {
        column.id
    }
}

/// The column of a path in [`PATHS`]; an unknown path does not compile where the result is a
/// constant.
pub(crate) const fn column<T>(path: &str) -> TypedColumn<T> {
    let mut low = 0;
    let mut high = PATHS.len();
    while low < high {
        let middle = low.midpoint(high);
        #[expect(clippy::indexing_slicing, reason = "middle < high <= PATHS.len()")]
        match compare(PATHS[middle].as_bytes(), path.as_bytes()) {
            0 => {
                #[expect(clippy::cast_possible_truncation, reason = "asserted below: < 2^16")]
                return TypedColumn { id: ColumnId(middle as u16), values: PhantomData };
            }
            1 => high = middle,
            _ => low = middle + 1,
        }
    }
    #[expect(clippy::panic, reason = "evaluated when it is compiled")]
    {
        panic!("no such column; `make bless` writes the vocabulary again")
    }
}

const _: () = assert!(PATHS.len() < u16::MAX as usize, "columns are numbered in 16 bits");

/// Byte order: 0 equal, 1 if `a` is after `b`, -1 if before.
const fn compare(a: &[u8], b: &[u8]) -> i8 {
    let mut at = 0;
    while at < a.len() && at < b.len() {
        #[expect(clippy::indexing_slicing, reason = "at is below both lengths")]
        let (left, right) = (a[at], b[at]);
        if left != right {
            return if left > right { 1 } else { -1 };
        }
        at += 1;
    }
    if a.len() == b.len() {
        0
    } else if a.len() > b.len() {
        1
    } else {
        -1
    }
}

macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident: $($value:ty),+;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $mark {}
            $(impl ValueOf<$mark> for $value {})+
        )*
    };
}

/// Values that a column of type `T` holds.
pub trait ValueOf<T> {}

marks! {
    /// Marks a boolean column.
    Bool: bool;
    /// Marks a column of 64-bit signed integers.
    Int: i64;
    /// Marks a column of 64-bit floats.
    Float: f64;
    /// Marks a column of UTF-8 text.
    Text: &str, String, Cow<'_, str>;
    /// Marks a column of bytes.
    Bytes: &[u8], Vec<u8>;
    /// Marks a column of instants.
    Time: Timestamp;
    /// Marks a column of lists of texts.
    Texts: Vec<String>;
    /// Marks a column of maps of text to text.
    Map: BTreeMap<String, String>;
}

/// Marks of the columns that hold numbers.
pub trait Number {}

impl Number for Int {}
impl Number for Float {}
