//! Repeating what may safely be repeated.

use std::time::Duration;

use archive::ArchiveError;
use ports::LogError;
use service::Shutdown;
use tracing::warn;

use crate::Config;
use crate::program::NAME;

/// Longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest wait between two attempts when the process shall end.
const LAST_WAIT_MAX: Duration = Duration::from_millis(200);

/// Attempts that fail before the role says that it does not work; the next step says that it does.
const TRIED_ENOUGH: u32 = 3;

/// Whether an error may pass.
pub(crate) trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for ArchiveError {
    fn is_transient(&self) -> bool {
        self.is_unavailable()
    }
}

impl Transient for LogError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A budget of attempts.
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    attempts_max: u32,
    first_wait: Duration,
    shutdown: Shutdown,
}

impl Retry {
    pub(crate) fn new(config: &Config, shutdown: Shutdown) -> Self {
        let first_wait = Duration::from_millis(config.retry_ms);
        Self { attempts_max: config.attempts_max, first_wait, shutdown }
    }

    /// Tries until it succeeds, fails for good, or the budget is spent.
    pub(crate) fn run<T, E: Transient + std::fmt::Display>(
        &self,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut wait = self.first_wait;
        for number in 1..self.attempts_max {
            match attempt() {
                Err(error) if error.is_transient() => {
                    warn!(%error, attempt = number, "failed, will try again");
                    if number >= TRIED_ENOUGH {
                        service::health::of(NAME).say(Err(error.to_string()));
                    }
                    self.pause(wait);
                    wait = wait.saturating_mul(2).min(WAIT_MAX);
                }
                outcome => return outcome,
            }
        }
        attempt()
    }

    /// Waits before the next attempt; a shutdown makes it short.
    pub(crate) fn pause(&self, wait: Duration) {
        if self.shutdown.wait_timeout(wait) {
            std::thread::sleep(wait.min(LAST_WAIT_MAX));
        }
    }

    /// The wait before a second attempt.
    pub(crate) const fn first_wait(&self) -> Duration {
        self.first_wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(config: &Config, error: &ArchiveError, succeed_at: u32) -> (u32, bool) {
        let mut made = 0;
        let outcome = Retry::new(config, Shutdown::new()).run(|| {
            made += 1;
            if made == succeed_at { Ok(()) } else { Err(error.clone()) }
        });
        (made, outcome.is_ok())
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_only_so_often() {
        let config = Config { attempts_max: 3, retry_ms: 0, ..Config::default() };
        let passing = ArchiveError::Unavailable { path: "x".into(), detail: String::new() };
        let lasting = ArchiveError::NotFound { path: "x".into() };
        assert_eq!(attempts(&config, &passing, 2), (2, true));
        assert_eq!(attempts(&config, &passing, 3), (3, true));
        assert_eq!(attempts(&config, &passing, 4), (3, false));
        assert_eq!(attempts(&config, &lasting, 2), (1, false));
    }
}
