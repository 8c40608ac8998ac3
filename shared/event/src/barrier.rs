//! A barrier around work on foreign bytes. Such work never panics, as far as we and the libraries that it
//! uses know; should it do so, that is an error of this work alone, and whoever does it goes on.
//!
//! Only for work that is dropped whole: nothing that lives on may be left half changed.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use thiserror::Error;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Work that panicked: a defect of this build, or of a library in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a panic at {}, which is a defect of this build", place.as_deref().unwrap_or("an unknown place"))]
pub struct Panicked {
    /// Source file and line; `None` unless the program's panic hook calls [`is_caught`].
    pub place: Option<String>,
}

/// What `work` gives, unless it panics.
///
/// # Errors
///
/// Where it panicked.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let outside = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outside);
    done.map_err(|_| Panicked { place: PLACE.take() })
}

/// The same for work that changes what lives on: whoever does it must end. The program's panic hook reports
/// the panic, with its message, which is all that is left of what went wrong.
///
/// # Errors
///
/// As [`guarded`].
pub fn reported<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked { place: PLACE.take() })
}

/// Whether a panic of this thread is inside a barrier and becomes an error, so that the panic hook prints
/// nothing of it; its place is kept for that error.
pub fn is_caught(panic: &PanicHookInfo<'_>) -> bool {
    let place = panic.location().map(|at| format!("{}:{}", short(at.file()), at.line()));
    PLACE.set(place);
    INSIDE.get()
}

/// A path from the directory of its crate on: where sources lay when they were built says nothing.
fn short(file: &str) -> &str {
    let of_crate = file.rfind("/src/").and_then(|at| file.get(..at)?.rfind('/'));
    of_crate.and_then(|at| file.get(at.checked_add(1)?..)).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_an_error_and_known_to_be_inside() {
        assert_eq!(guarded(|| INSIDE.get()), Ok(true));
        let nested = guarded(|| {
            let inner = guarded(|| panic!("within"));
            (inner.is_err(), INSIDE.get())
        });
        assert_eq!(nested, Ok((true, true)));
        let unknown = Panicked { place: None };
        assert_eq!(guarded(|| -> u8 { panic!("as a library does") }), Err(unknown.clone()));
        assert!(!INSIDE.get());
        let inside = reported(|| (INSIDE.get(), guarded(|| INSIDE.get())));
        assert_eq!(inside, Ok((false, Ok(true))));
        assert_eq!(
            reported(|| -> u8 { panic!("as a defect of a role does") }),
            Err(unknown.clone())
        );
        assert!(unknown.to_string().contains("at an unknown place"));
    }

    #[test]
    fn the_place_is_said_without_where_it_was_built() {
        let registry = "/cache/registry/src/index-1/parquet-60.0.0/src/file/reader.rs";
        assert_eq!(short(registry), "parquet-60.0.0/src/file/reader.rs");
        assert_eq!(short("shared/event/src/decode.rs"), "event/src/decode.rs");
        assert_eq!(short("/rustc/17067e9/library/core/src/option.rs"), "core/src/option.rs");
        assert_eq!(short("lib.rs"), "lib.rs");
    }
}
