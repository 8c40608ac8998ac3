//! Values that their fields cannot plausibly hold.

use std::sync::LazyLock;

use super::{Code, Remark};
use crate::cell::Cell;
use crate::event::Event;
use crate::plain::Name;
use crate::schema::{Column, ColumnId, schema};

/// Whether the document says which values a column may hold, by the number of the column.
static IS_CHECKED: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let is_checked = |column: &Column| !column.values.is_empty() || column.range.is_some();
    schema().columns().iter().map(is_checked).collect()
});

pub(super) fn check(event: &Event<'_>, remarks: &mut Vec<Remark>) {
    let checked = &**IS_CHECKED;
    for (id, cell) in event.cells() {
        if checked.get(id.index()) == Some(&true) {
            remarks.extend(of(*id, cell));
        }
    }
}

fn of(id: ColumnId, cell: &Cell<'_>) -> Option<Remark> {
    let column = schema().column(id);
    let remark =
        |code, text, advice| Some(Remark { code, field: column.path.clone(), text, advice });
    if let Cell::Text(text) = cell {
        if column.values.is_empty() || text.is_empty() || column.allowed(text).is_some() {
            return None;
        }
        let names: Vec<&str> = column.values.iter().map(|value| value.name.as_str()).collect();
        return remark(
            Code::UnknownValue,
            format!(
                "`{}` is none of its values and counts as unknown: it is in no rate",
                Name(text)
            ),
            format!("send one of {}", names.join(", ")),
        );
    }
    let (range, number) = (column.range?, cell.as_number()?);
    if range.contains(number) {
        return None;
    }
    let bound = match (range.min, range.max) {
        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
        (Some(min), None) => format!("a number of at least {min}"),
        (None, Some(max)) => format!("a number of at most {max}"),
        (None, None) => "a number".to_owned(),
    };
    remark(
        Code::OutOfRange,
        format!("{number} is out of its range"),
        format!("send {bound}, or leave it out"),
    )
}
