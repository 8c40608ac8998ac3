//! The log failure that ends the role.

use std::sync::{Arc, OnceLock};

use ports::LogError;
use tokio::sync::Notify;

/// The first permanent failure of the log; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFailure {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    error: OnceLock<LogError>,
    reported: Notify,
}

impl LogFailure {
    /// Takes an error of the log; keeps it if it is permanent.
    pub(crate) fn report(&self, error: &LogError) {
        let is_final = match error {
            LogError::Fatal(_) => true,
            LogError::Unavailable(_)
            | LogError::QueueFull { .. }
            | LogError::TooLarge { .. }
            | LogError::UnknownPartition(_)
            | LogError::OutOfRange { .. } => false,
        };
        if is_final && self.shared.error.set(error.clone()).is_ok() {
            self.shared.reported.notify_waiters();
        }
    }

    /// The failure, if any.
    pub(crate) fn error(&self) -> Option<&LogError> {
        self.shared.error.get()
    }

    /// Waits for the failure. Safe to cancel.
    pub(crate) async fn wait(&self) {
        loop {
            // Created before the check, so that a report between the two is not missed.
            let reported = self.shared.reported.notified();
            if self.error().is_some() {
                return;
            }
            reported.await;
        }
    }
}
