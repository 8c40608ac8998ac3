//! What roles that read the log share: the main loop, the error, the restart policy.

use std::time::Duration;

use event::barrier::{Panicked, reported};
use event::{BuildError, Record, TopicPartition};
use ports::identity::Changed;
use ports::{EventLog, LogError};
use thiserror::Error;
use tracing::{error, warn};

use crate::health::STOPPING;
use crate::metric_names as names;
use crate::topics::{SettingFaults, TopicsError, grow};
use crate::{Shutdown, health};

/// Why a role ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RoleError {
    /// The configuration is invalid; all of its problems.
    #[error("invalid configuration: {}", .0.join("; "))]
    Config(Vec<String>),
    /// An output topic has fewer partitions than the input topic, and may not grow.
    #[error(
        "topic `{topic}` has {found} partitions; it needs at least {needed}, as many as `{input}`, and \
         could not be given them ({reason}): `kafka-topics.sh --bootstrap-server HOST:PORT --alter \
         --topic {topic} --partitions {needed}`"
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
        /// Why the log does not add them.
        reason: String,
    },
    /// Settings of topics are wrong.
    #[error("{0}")]
    Topics(SettingFaults),
    /// A partition is not the one whose records were read.
    #[error("`{partition}` is not the partition that was read: {changed}")]
    Changed {
        /// The partition.
        partition: TopicPartition,
        /// What has changed, and what to do.
        changed: Changed,
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
    /// Handling a record panicked: a bug. What it has changed may be half changed, so nothing is kept of it.
    #[error(
        "failed to handle the record at offset {offset} of `{partition}`: {panicked}; report it"
    )]
    Panicked {
        /// The partition.
        partition: TopicPartition,
        /// Offset of the record.
        offset: i64,
        /// Where it panicked.
        panicked: Panicked,
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

impl From<TopicsError> for RoleError {
    fn from(error: TopicsError) -> Self {
        match error {
            TopicsError::Settings(faults) => Self::Topics(faults),
            TopicsError::Log(error) => Self::Log(error),
        }
    }
}

impl Failure for RoleError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Log(error) => error.may_pass(),
            Self::Config(_)
            | Self::Partitions { .. }
            | Self::Topics(_)
            | Self::Changed { .. }
            | Self::Start(_)
            | Self::Output { .. }
            | Self::Panicked { .. } => false,
        }
    }
}

/// Lets a role handle a record, which may change what the role knows.
///
/// # Errors
///
/// [`RoleError::Panicked`], with which the role ends: it names the record, which no backtrace does.
pub fn handle<T>(record: &Record<'_>, handle: impl FnOnce() -> T) -> Result<T, RoleError> {
    reported(handle).map_err(|panicked| RoleError::Panicked {
        partition: TopicPartition::new(record.topic, record.partition),
        offset: record.offset,
        panicked,
    })
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

    /// Its name.
    const NAME: &'static str;

    /// Waits up to `wait` for input and handles it, then does what is due. Returns whether it made
    /// progress.
    ///
    /// # Errors
    ///
    /// The role must then be dropped.
    fn step(&mut self, wait: Duration) -> Result<bool, Self::Error>;

    /// Whether it has what it needs to do its work, for `/readyz`; asked after every step.
    ///
    /// # Errors
    ///
    /// What it lacks.
    fn standing(&self) -> Result<(), String>;

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
    /// Pause before the first retry; each later one waits twice as long, up to [`RETRY_PAUSE_MAX`]. A step
    /// that makes progress begins anew.
    pub retry_pause: Duration,
}

/// Longest pause before a retry.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(30);

impl Pace {
    /// The pause after so many failures in a row.
    fn pause(self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        // A pause that is configured to be longer stays so.
        self.retry_pause.saturating_mul(doubled).min(RETRY_PAUSE_MAX.max(self.retry_pause))
    }
}

/// Starts a role, steps it until shutdown, then finishes it. After a transient failure the role is
/// dropped and started again, for as long as it takes. Its health says what it lacks ([`crate::health`]). Blocks
/// its thread.
///
/// # Errors
///
/// A permanent failure.
pub fn run<R: Role>(
    pace: Pace,
    shutdown: &Shutdown,
    start: impl FnMut() -> Result<R, R::Error>,
) -> Result<(), R::Error> {
    run_until(pace, shutdown, start, |error| !error.may_pass())
}

/// As [`run`], but only some failures end the role: those that `ends` says. After the others, also permanent
/// ones, it is started again, because somebody may have repaired what is wrong.
///
/// # Errors
///
/// A failure that ends it; a permanent one that lasts when the shutdown comes.
pub fn run_until<R: Role>(
    pace: Pace,
    shutdown: &Shutdown,
    mut start: impl FnMut() -> Result<R, R::Error>,
    ends: impl Fn(&R::Error) -> bool,
) -> Result<(), R::Error> {
    let health = health::of(R::NAME);
    let mut failures = 0_u32;
    let mut role: Option<R> = None;
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
            Ok(progress) => {
                if progress {
                    failures = 0;
                }
                health.say(role.as_ref().map_or(Ok(()), R::standing));
            }
            Err(error) => {
                health.say(Err(error.to_string()));
                if ends(&error) {
                    return Err(error);
                }
                failures = failures.saturating_add(1);
                let (name, lasts) = (R::NAME, !error.may_pass());
                if lasts {
                    error!(role = name, %error, failures, "role failed: somebody must look at it; restarting it");
                } else {
                    warn!(role = name, %error, failures, "role failed; restarting it");
                }
                role = None;
                if shutdown.wait_timeout(pace.pause(failures)) {
                    if lasts {
                        return Err(error);
                    }
                    break;
                }
            }
        }
    }
    health.say(Err(STOPPING.to_owned()));
    role.map_or(Ok(()), R::finish)
}

/// Sees to it that topics which are derived from another one have at least as many partitions, and
/// says what was added. They grow in the order given. Returns the number of partitions of the input.
///
/// # Errors
///
/// [`RoleError::Partitions`] if the log does not let us, or what the log reports.
pub fn match_partitions(
    log: &dyn EventLog,
    input: &str,
    outputs: &[&str],
) -> Result<i32, RoleError> {
    let needed = log.partitions(input)?;
    for topic in outputs {
        match grow(log, topic, needed) {
            Ok(_) => {}
            Err(LogError::Fatal(reason)) => {
                return Err(RoleError::Partitions {
                    topic: (*topic).to_owned(),
                    found: log.partitions(topic)?,
                    input: input.to_owned(),
                    needed,
                    reason,
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use event::{BatchBuilder, TimestampType};

    use super::*;

    const PACE: Pace = Pace { poll_wait: Duration::ZERO, retry_pause: Duration::ZERO };

    /// Plays outcomes of steps; then the shutdown comes.
    struct Played<'a> {
        outcomes: &'a RefCell<std::slice::Iter<'a, Result<bool, RoleError>>>,
        shutdown: &'a Shutdown,
        finished: &'a Cell<u32>,
    }

    impl Role for Played<'_> {
        type Error = RoleError;

        const NAME: &'static str = "played";

        fn standing(&self) -> Result<(), String> {
            Ok(())
        }

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
        play_until(outcomes, |error| !error.may_pass())
    }

    fn play_until(
        outcomes: &[Result<bool, RoleError>],
        ends: impl Fn(&RoleError) -> bool,
    ) -> (Result<(), RoleError>, u32, u32) {
        let (shutdown, finished) = (Shutdown::new(), Cell::new(0));
        let (outcomes, mut starts) = (RefCell::new(outcomes.iter()), 0);
        let start = || {
            starts += 1;
            Ok(Played { outcomes: &outcomes, shutdown: &shutdown, finished: &finished })
        };
        let ended = run_until(PACE, &shutdown, start, ends);
        (ended, starts, finished.get())
    }

    #[test]
    fn a_role_beside_others_goes_on_after_permanent_failures_but_for_those_that_end_it() {
        let fatal = || RoleError::Log(LogError::Fatal("broken".into()));
        let wrong = || RoleError::Config(vec!["wrong".into()]);
        let ends = |error: &RoleError| matches!(error, RoleError::Config(_));
        let outcomes = [Err(fatal()), Ok(true), Err(fatal()), Ok(true)];
        assert_eq!(play_until(&outcomes, ends), (Ok(()), 3, 1));
        let outcomes = [Err(fatal()), Err(wrong()), Ok(true)];
        assert_eq!(play_until(&outcomes, ends), (Err(wrong()), 2, 0));
        // What lasts to the end is said at the end.
        let shutdown = Shutdown::new();
        shutdown.trigger();
        let ended = run_until::<Played<'_>>(PACE, &shutdown, || Err(fatal()), ends);
        assert_eq!(ended, Err(fatal()));
    }

    #[test]
    fn what_may_pass_is_tried_again_for_as_long_as_it_takes() {
        let passing = || Err(RoleError::Log(LogError::Unavailable("away".into())));
        let fatal = || Err(RoleError::Log(LogError::Fatal("broken".into())));
        let stop = |error: Result<bool, RoleError>| error.map(drop);
        assert_eq!(play(&[Ok(true), Ok(false)]), (Ok(()), 1, 1));
        let many: Vec<_> = (0..200).map(|_| passing()).collect();
        assert_eq!(play(&many), (Ok(()), 201, 1));
        assert_eq!(play(&[passing(), fatal()]), (stop(fatal()), 2, 0));
    }

    #[test]
    fn a_panic_ends_the_role_and_names_the_record() {
        let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 3));
        batch.push(41, 0, TimestampType::LogAppendTime, None, None, std::iter::empty());
        let batch = batch.build();
        let record = batch.records().next().unwrap();
        assert_eq!(handle(&record, || 7), Ok(7));
        let panicked = handle(&record, || -> bool { panic!("as a machine does") });
        let said = panicked.clone().unwrap_err().to_string();
        assert!(said.contains("offset 41 of `agent.events/3`"), "{said}");
        // It is neither tried again nor finished: the state may be half changed.
        assert_eq!(play(&[Ok(true), panicked.clone()]), (panicked.map(drop), 1, 0));
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pause = |secs, failures| {
            let retry_pause = Duration::from_secs(secs);
            Pace { poll_wait: Duration::ZERO, retry_pause }.pause(failures).as_secs()
        };
        assert_eq!([1, 2, 3, 5, 6, 500].map(|failures| pause(1, failures)), [1, 2, 4, 16, 30, 30]);
        assert_eq!([1, 9].map(|failures| pause(60, failures)), [60, 60]);
        assert_eq!(pause(0, 9), 0);
    }
}
