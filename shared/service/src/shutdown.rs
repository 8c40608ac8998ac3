//! Shutdown of all tasks of a process, for threads and async code.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// A shutdown request, shared by all tasks of a process. Once triggered it stays triggered.
///
/// Clones share the request. A task that sees it drains: it accepts no new work, completes what it has
/// acknowledged, and returns.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    triggered: Mutex<bool>,
    threads: Condvar,
    futures: Notify,
}

impl Shutdown {
    /// Not triggered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Triggers the shutdown; idempotent.
    pub fn trigger(&self) {
        *self.inner.triggered.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.inner.threads.notify_all();
        self.inner.futures.notify_waiters();
    }

    /// Whether the shutdown was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.inner.triggered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the shutdown. Cancel-safe.
    pub async fn wait(&self) {
        loop {
            // Created before the check, so that a trigger between the two is not missed.
            let notified = self.inner.futures.notified();
            if self.is_triggered() {
                return;
            }
            notified.await;
        }
    }

    /// Blocks the thread until the shutdown or for `limit`; returns whether it was triggered.
    #[must_use]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        let guard = self.inner.triggered.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = self
            .inner
            .threads
            .wait_timeout_while(guard, limit, |triggered| !*triggered)
            .unwrap_or_else(PoisonError::into_inner);
        *guard
    }

    /// Triggers on the first Ctrl-C or SIGTERM, and ends the process with code 130 on the second.
    ///
    /// # Errors
    ///
    /// If the signal handlers cannot be installed.
    pub fn on_signals(&self, runtime: &tokio::runtime::Handle) -> std::io::Result<()> {
        let _entered = runtime.enter();
        let mut signals = Signals::listen()?;
        let shutdown = self.clone();
        drop(runtime.spawn(async move {
            signals.next().await;
            tracing::info!("shutting down: draining; interrupt again to quit at once");
            shutdown.trigger();
            signals.next().await;
            tracing::warn!("quit without draining");
            std::process::exit(130);
        }));
        Ok(())
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_and_a_future_both_wake() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.wait_timeout(Duration::ZERO));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| shutdown.wait_timeout(Duration::from_secs(60)));
            let future = scope.spawn(|| runtime.block_on(shutdown.wait()));
            shutdown.trigger();
            assert!(thread.join().unwrap());
            future.join().unwrap();
        });
        assert!(shutdown.clone().is_triggered());
    }
}
