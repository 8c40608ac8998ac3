//! Waiting for something, with a deadline instead of a sleep and a hope.

use std::thread;
use std::time::Duration;

use service::clock::Stopwatch;

/// Time between two looks.
const STEP: Duration = Duration::from_millis(50);

/// Looks until there is something.
///
/// # Panics
///
/// When the limit has passed; the message names what was waited for.
pub fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    until_said(|| what.to_owned(), limit, look)
}

/// The same; what was waited for is said as it is when the limit has passed: the last words of a process.
///
/// # Panics
///
/// When the limit has passed.
pub fn until_said<T>(
    what: impl Fn() -> String,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!watch.has_passed(limit), "waited {limit:?} for {}", what());
        thread::sleep(STEP);
    }
}
