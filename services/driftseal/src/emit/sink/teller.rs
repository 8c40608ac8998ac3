//! Says what a sink waits for: at once, and then now and again.

use std::fmt;
use std::time::Duration;

use service::clock::Stopwatch;

/// Interval at which it is said again.
const AGAIN: Duration = Duration::from_secs(10);

/// Says what a sink waits for, at most every ten seconds.
pub struct Teller {
    tell: Box<dyn FnMut(&str)>,
    since: Option<Stopwatch>,
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("since", &self.since).finish_non_exhaustive()
    }
}

impl Teller {
    /// A teller that passes what it says to `tell`.
    #[must_use]
    pub fn new(tell: impl FnMut(&str) + 'static) -> Self {
        Self { tell: Box::new(tell), since: None }
    }

    /// The sink waits.
    pub(super) fn waits(&mut self, what: &str) {
        if self.since.as_ref().is_none_or(|since| since.has_passed(AGAIN)) {
            (self.tell)(what);
            self.since = Some(Stopwatch::start());
        }
    }

    /// It waits no longer; the next wait is said at once.
    pub(super) fn goes_on(&mut self) {
        self.since = None;
    }
}
