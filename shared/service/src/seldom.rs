//! Log lines of what a stranger can cause at any rate: one per cause and interval, with the number of
//! those that were left out.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Stopwatch;

/// Says when a line about a cause is due. Causes are bounded: constants of the code.
#[derive(Debug)]
pub struct Seldom {
    interval: Duration,
    causes: Mutex<HashMap<&'static str, Cause>>,
}

#[derive(Debug)]
struct Cause {
    since: Stopwatch,
    left_out: u64,
}

impl Default for Seldom {
    /// One line per cause and minute.
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl Seldom {
    /// One line per cause and interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, causes: Mutex::default() }
    }

    /// Counts an occurrence. Returns, if a line about it is due, how many were left out since the
    /// last one.
    pub fn is_due(&self, cause: &'static str) -> Option<u64> {
        let mut causes = match self.causes.lock() {
            Ok(causes) => causes,
            // Counts are whole at any moment.
            Err(poisoned) => poisoned.into_inner(),
        };
        match causes.get_mut(cause) {
            Some(known) if !known.since.has_passed(self.interval) => {
                known.left_out += 1;
                None
            }
            Some(known) => {
                known.since = Stopwatch::start();
                Some(std::mem::take(&mut known.left_out))
            }
            None => {
                causes.insert(cause, Cause { since: Stopwatch::start(), left_out: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_and_then_counted() {
        let seldom = Seldom::new(Duration::from_secs(3_600));
        assert_eq!(seldom.is_due("a"), Some(0));
        assert!((0..1_000).all(|_| seldom.is_due("a").is_none()));
        assert_eq!(seldom.is_due("b"), Some(0));
        let always = Seldom::new(Duration::ZERO);
        assert_eq!((always.is_due("a"), always.is_due("a")), (Some(0), Some(0)));
    }
}
