//! Named threads that stop together.

use std::fmt::Display;
use std::thread::{Builder, JoinHandle};

use thiserror::Error;

use crate::shutdown::Shutdown;

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{task}: {reason}")]
pub struct TaskFailure {
    /// Name of the task.
    pub task: String,
    /// Its error or panic message.
    pub reason: String,
}

/// The tasks of a process. One that fails or panics triggers the shutdown, so that its siblings drain
/// instead of running on without it.
#[derive(Debug)]
pub struct Tasks {
    shutdown: Shutdown,
    threads: Vec<(String, JoinHandle<Result<(), String>>)>,
}

impl Tasks {
    /// No tasks yet; a failure will trigger `shutdown`.
    #[must_use]
    pub const fn new(shutdown: Shutdown) -> Self {
        Self { shutdown, threads: Vec::new() }
    }

    /// The shutdown that the tasks share.
    #[must_use]
    pub const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Starts a task on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn spawn<E: Display>(
        &mut self,
        name: &str,
        task: impl FnOnce() -> Result<(), E> + Send + 'static,
    ) -> std::io::Result<()> {
        let guard = TriggerUnlessDone { shutdown: self.shutdown.clone(), done: false };
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            let mut guard = guard;
            let outcome = task().map_err(|error| error.to_string());
            guard.done = outcome.is_ok();
            outcome
        })?;
        self.threads.push((name.to_owned(), thread));
        Ok(())
    }

    /// Waits for every task.
    ///
    /// # Errors
    ///
    /// All tasks that failed or panicked, in the order they were started.
    pub fn join(self) -> Result<(), Vec<TaskFailure>> {
        let failures: Vec<TaskFailure> = self
            .threads
            .into_iter()
            .filter_map(|(task, thread)| {
                let reason = match thread.join() {
                    Ok(Ok(())) => return None,
                    Ok(Err(reason)) => reason,
                    Err(panic) => panic_message(panic.as_ref()),
                };
                Some(TaskFailure { task, reason })
            })
            .collect();
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }
}

/// Triggers the shutdown if dropped before its task is done, for example by a panic.
struct TriggerUnlessDone {
    shutdown: Shutdown,
    done: bool,
}

impl Drop for TriggerUnlessDone {
    fn drop(&mut self) {
        if !self.done {
            self.shutdown.trigger();
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_failing_or_panicking_task_stops_its_siblings() {
        for panics in [false, true] {
            let shutdown = Shutdown::new();
            let mut tasks = Tasks::new(shutdown.clone());
            let sibling = shutdown.clone();
            tasks
                .spawn("sibling", move || {
                    assert!(sibling.wait_timeout(Duration::from_secs(60)));
                    Ok::<(), String>(())
                })
                .unwrap();
            tasks
                .spawn("broken", move || {
                    assert!(!panics, "no luck");
                    Err("no luck")
                })
                .unwrap();
            let reason = if panics { "panicked: no luck" } else { "no luck" };
            let failure = TaskFailure { task: "broken".into(), reason: reason.into() };
            assert_eq!(tasks.join(), Err(vec![failure]));
            assert!(shutdown.is_triggered());
        }
    }

    #[test]
    fn a_task_that_ends_well_leaves_the_others_alone() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.spawn("done", || Ok::<(), String>(())).unwrap();
        assert_eq!(tasks.join(), Ok(()));
        assert!(!shutdown.is_triggered());
    }
}
