//! A barrier around the Parquet library, which has panicked on damaged files: that, too, is only a
//! damaged file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ReadError;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside the barrier: a panic there becomes an error, and whoever installs a
/// panic hook should print nothing of it.
#[must_use]
pub fn is_guarded() -> bool {
    INSIDE.get()
}

/// What `read` gives; a panic is a damaged file.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    let outside = INSIDE.replace(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    INSIDE.set(outside);
    read.unwrap_or_else(|_| Err(ReadError::Parquet("the file is damaged".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_an_error_and_known_to_be_inside() {
        let inside = guarded(|| Ok(is_guarded()));
        assert_eq!(inside, Ok(true));
        let nested = guarded(|| guarded(|| Ok(())).map(|()| is_guarded()));
        assert_eq!(nested, Ok(true));
        let refused: Result<(), _> = guarded(|| panic!("as the library does"));
        assert_eq!(refused, Err(ReadError::Parquet("the file is damaged".into())));
        assert!(!is_guarded());
    }
}
