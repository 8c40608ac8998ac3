//! Whether the role is ready, shared between the thread that checks and those that answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use service::clock::Stopwatch;

/// The last check.
#[derive(Debug)]
enum Last {
    /// There was none.
    None,
    /// It succeeded, so long ago.
    Succeeded(Stopwatch),
    /// It failed: why.
    Failed(String),
}

/// Whether the role is ready.
#[derive(Debug)]
pub(super) struct Health {
    last: Mutex<Last>,
    stale_after: Duration,
}

impl Health {
    pub(super) const fn new(stale_after: Duration) -> Self {
        Self { last: Mutex::new(Last::None), stale_after }
    }

    /// Records a success; whether the check before was none.
    pub(super) fn succeeded(&self) -> bool {
        !matches!(self.replace(Last::Succeeded(Stopwatch::start())), Last::Succeeded(_))
    }

    /// Records a failure; whether the check before was none.
    pub(super) fn failed(&self, reason: String) -> bool {
        !matches!(self.replace(Last::Failed(reason)), Last::Failed(_))
    }

    /// Whether the last check succeeded and is recent.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Last::Succeeded(since) if since.has_passed(self.stale_after) => {
                let elapsed = since.elapsed_secs();
                Err(format!(
                    "the log of the archive was checked {elapsed:.0} s ago for the last time"
                ))
            }
            Last::Succeeded(_) => Ok(()),
            Last::None => Err("the log of the archive is not checked yet".to_owned()),
            Last::Failed(reason) => Err(reason.clone()),
        }
    }

    fn replace(&self, with: Last) -> Last {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut last, with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recent_success_is_ready_and_a_change_is_said_once() {
        let health = Health::new(Duration::from_secs(3_600));
        assert!(health.check().is_err());
        assert!(health.succeeded() && health.check().is_ok());
        assert!(!health.succeeded(), "the same again");
        assert!(health.failed("gone".to_owned()));
        assert_eq!(health.check(), Err("gone".to_owned()));
        assert!(!health.failed("gone".to_owned()), "the same again");
        let stale = Health::new(Duration::ZERO);
        stale.succeeded();
        assert!(stale.check().is_err());
    }
}
