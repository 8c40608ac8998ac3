//! Whether the log answers. While it does not, silence of the monitor means nothing.

use std::time::Duration;

use ports::EventLog;
use service::clock::Stopwatch;
use tracing::warn;

use crate::meters;
use crate::owned::Owned;

/// Interval at which the lag is measured.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time without an answer after which the log counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(15);

/// When the log was asked, and when it answered.
#[derive(Debug)]
pub(crate) struct Contact {
    since_asked: Stopwatch,
    since_answer: Stopwatch,
}

impl Contact {
    /// The log has just answered.
    pub(crate) fn new() -> Self {
        Self { since_asked: Stopwatch::start(), since_answer: Stopwatch::start() }
    }

    /// Notes that the log has answered.
    pub(crate) fn heard(&mut self) {
        self.since_answer = Stopwatch::start();
    }

    /// Whether this process was cut off from the log, or was not run at all, until now.
    pub(crate) fn is_lost(&self) -> bool {
        self.since_answer.has_passed(LOST_AFTER)
    }

    /// Measures the lag of the partitions, if it is time.
    pub(crate) fn measure<'a>(
        &mut self,
        log: &dyn EventLog,
        partitions: impl IntoIterator<Item = &'a Owned>,
    ) {
        if !self.since_asked.has_passed(INTERVAL) {
            return;
        }
        for owned in partitions {
            match log.offsets(&owned.partition) {
                Ok(held) => {
                    self.heard();
                    meters::lag(owned.partition.partition, held.next - owned.next);
                }
                // The other partitions would be waited for as long.
                Err(error) => {
                    warn!(partition = %owned.partition, %error, "failed to measure the lag");
                    break;
                }
            }
        }
        self.since_asked = Stopwatch::start();
    }
}
