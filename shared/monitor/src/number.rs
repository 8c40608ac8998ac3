//! Counts as values of columns.

/// A count as the value of an integer column.
pub(crate) fn int(count: u64) -> i64 {
    let Ok(count) = i64::try_from(count) else { unreachable!("a count of {count}") };
    count
}
