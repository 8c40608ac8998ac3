//! What roles that read the log share: the main loop, the error, the restart policy.

use std::time::Duration;

use event::{BuildError, TopicPartition};
use ports::{EventLog, LogError};
use thiserror::Error;
use tracing::{error, warn};

use crate::Shutdown;
use crate::metric_names as names;

/// Why a role ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RoleError {
    /// The configuration is invalid; all of its problems.
    #[error("invalid configuration: {}", .0.join("; "))]
    Config(Vec<String>),
    /// An output topic has fewer partitions than the input topic.
    #[error(
        "topic `{topic}` has {found} partitions; it needs at least {needed}, as many as `{input}`"
    )]
    Partitions {
        /// The output topic.
        topic: String,
        /// Its number of partitions.
        found: i32,
        /// The input topic.
        input: String,
        /// Its number of partitions.
        needed: i32,
    },
    /// A precondition is missing: a secret, a thread.
    #[error("failed to start: {0}")]
    Start(String),
    /// An event of the role itself does not fit the schema: a bug. Continuing would lose the event.
    #[error("failed to build a `{kind}` event: {error}")]
    Output {
        /// Kind of the event.
        kind: String,
        /// What is wrong with it.
        error: String,
    },
    /// The log failed permanently, or too many times in a row.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl RoleError {
    /// [`RoleError::Config`], if there are problems.
    ///
    /// # Errors
    ///
    /// Just that.
    pub fn check_config(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::Config(problems)) }
    }

    /// The error for an event that could not be built; counts and logs it.
    #[must_use]
    pub fn output(kind: &str, error: &BuildError) -> Self {
        error!(kind, %error, "failed to build an event");
        metrics::counter!(names::EVENTS_BUILD_FAILED).increment(1);
        Self::Output { kind: kind.to_owned(), error: error.to_string() }
    }

    /// The error for records of a partition that is not assigned: a bug of the log's adapter.
    #[must_use]
    pub fn unassigned(partition: &TopicPartition) -> Self {
        Self::Log(LogError::Fatal(format!(
            "the log delivered records of `{partition}`, which is not assigned"
        )))
    }
}

impl Failure for RoleError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Log(error) => error.may_pass(),
            Self::Config(_) | Self::Partitions { .. } | Self::Start(_) | Self::Output { .. } => {
                false
            }
        }
    }
}

/// Why a role fails.
pub trait Failure: std::error::Error {
    /// Whether restarting the role may help.
    fn may_pass(&self) -> bool;
}

/// A role that [`run`] drives step by step. Dropping it at any point is equivalent to a crash there: a
/// new instance continues from the log.
pub trait Role: Sized {
    /// Why it fails.
    type Error: Failure;

    /// Waits up to `wait` for input and handles it, then does what is due. Returns whether it made
    /// progress.
    ///
    /// # Errors
    ///
    /// The role must then be dropped.
    fn step(&mut self, wait: Duration) -> Result<bool, Self::Error>;

    /// Completes pending work after the last step. The next owner repeats what fails.
    ///
    /// # Errors
    ///
    /// The role ends with them.
    fn finish(self) -> Result<(), Self::Error>;
}

/// Polling and restart policy of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Longest wait of one step.
    pub poll_wait: Duration,
    /// Consecutive failures that are retried; one more ends the role. A step that makes progress resets
    /// the count.
    pub retries_max: u32,
    /// Pause before each retry.
    pub retry_pause: Duration,
}

/// Starts a role, steps it until shutdown, then finishes it. After a transient failure the role is
/// dropped and started again. Blocks its thread.
///
/// # Errors
///
/// A permanent failure, or too many transient ones in a row.
pub fn run<R: Role>(
    pace: Pace,
    shutdown: &Shutdown,
    mut start: impl FnMut() -> Result<R, R::Error>,
) -> Result<(), R::Error> {
    let mut failures = 0;
    let mut role = None;
    loop {
        let outcome = match &mut role {
            // Also when the shutdown was asked for before: there may be something to finish.
            None => start().map(|started| {
                role = Some(started);
                false
            }),
            Some(_) if shutdown.is_triggered() => break,
            Some(role) => role.step(pace.poll_wait),
        };
        match outcome {
            Ok(true) => failures = 0,
            Ok(false) => {}
            Err(error) if error.may_pass() && failures < pace.retries_max => {
                failures += 1;
                warn!(%error, failures, "role failed; restarting it");
                role = None;
                if shutdown.wait_timeout(pace.retry_pause) {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    role.map_or(Ok(()), R::finish)
}

/// Checks that each output topic has at least as many partitions as the input topic. Returns the
/// number of partitions of the input topic.
///
/// # Errors
///
/// [`RoleError::Partitions`], or what the log reports.
pub fn check_partitions(
    log: &dyn EventLog,
    input: &str,
    outputs: &[&str],
) -> Result<i32, RoleError> {
    let needed = log.partitions(input)?;
    for topic in outputs {
        let found = log.partitions(topic)?;
        if found < needed {
            let (topic, input) = ((*topic).to_owned(), input.to_owned());
            return Err(RoleError::Partitions { topic, found, input, needed });
        }
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    const PACE: Pace =
        Pace { poll_wait: Duration::ZERO, retries_max: 2, retry_pause: Duration::ZERO };

    /// Plays outcomes of steps; then the shutdown comes.
    struct Played<'a> {
        outcomes: &'a RefCell<std::slice::Iter<'a, Result<bool, RoleError>>>,
        shutdown: &'a Shutdown,
        finished: &'a Cell<u32>,
    }

    impl Role for Played<'_> {
        type Error = RoleError;

        fn step(&mut self, _wait: Duration) -> Result<bool, RoleError> {
            let next = self.outcomes.borrow_mut().next().cloned();
            next.unwrap_or_else(|| {
                self.shutdown.trigger();
                Ok(false)
            })
        }

        fn finish(self) -> Result<(), RoleError> {
            self.finished.set(self.finished.get() + 1);
            Ok(())
        }
    }

    /// How it ended, and how often it was started and finished.
    fn play(outcomes: &[Result<bool, RoleError>]) -> (Result<(), RoleError>, u32, u32) {
        let (shutdown, finished) = (Shutdown::new(), Cell::new(0));
        let (outcomes, mut starts) = (RefCell::new(outcomes.iter()), 0);
        let ended = run(PACE, &shutdown, || {
            starts += 1;
            Ok(Played { outcomes: &outcomes, shutdown: &shutdown, finished: &finished })
        });
        (ended, starts, finished.get())
    }

    #[test]
    fn what_may_pass_is_tried_again_so_often_in_a_row() {
        let passing = || Err(RoleError::Log(LogError::Unavailable("away".into())));
        let fatal = || Err(RoleError::Log(LogError::Fatal("broken".into())));
        let stop = |error: Result<bool, RoleError>| error.map(drop);
        assert_eq!(play(&[Ok(true), Ok(false)]), (Ok(()), 1, 1));
        assert_eq!(play(&[passing(), passing()]), (Ok(()), 3, 1));
        assert_eq!(play(&[passing(), passing(), passing()]), (stop(passing()), 3, 0));
        let progress = [passing(), passing(), Ok(true), passing(), passing()];
        assert_eq!(play(&progress), (Ok(()), 5, 1));
        assert_eq!(play(&[fatal()]), (stop(fatal()), 1, 0));
    }
}
