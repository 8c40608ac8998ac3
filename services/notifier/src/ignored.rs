//! Records that are not believed, or cannot be read: counted by reason, and said.

use event::plain::Plain;
use event::{Fault, TopicPartition};
use governance::Refusal;
use service::clock::Stopwatch;
use service::metric_names as names;
use tracing::warn;

/// Interval at which it is said.
const SAID_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// Counts what is ignored.
#[derive(Debug)]
pub(crate) struct Ignored {
    since_said: Option<Stopwatch>,
    unsaid: u64,
}

impl Ignored {
    pub(crate) const fn new() -> Self {
        Self { since_said: None, unsaid: 0 }
    }

    /// A record of a topic is ignored.
    pub(crate) fn count(&mut self, topic: &str, refusal: Refusal) {
        let reason = refusal.name();
        if let Some(records) = self.due(reason) {
            warn!(
                topic,
                reason,
                records,
                "records of the topic are not signed by this installation, or are copies; ignored \
                 them (said at most once a minute)"
            );
        }
    }

    /// A record of a partition cannot be read: whatever it says, nobody is told.
    pub(crate) fn unreadable(&mut self, partition: &TopicPartition, offset: i64, fault: &Fault) {
        let reason = fault.reason.name();
        if let Some(records) = self.due(reason) {
            let detail = Plain(&fault.detail);
            warn!(
                %partition, offset, reason, %detail, records,
                "records of the topic cannot be read: alerts and heartbeats among them are not heard \
                 (said at most once a minute)"
            );
        }
    }

    /// Counts a record; how many there were since it was last said, if it is to be said now.
    fn due(&mut self, reason: &'static str) -> Option<u64> {
        metrics::counter!(names::NOTIFIER_RECORDS_IGNORED, "reason" => reason).increment(1);
        self.unsaid += 1;
        if self.since_said.as_ref().is_some_and(|since| !since.has_passed(SAID_EVERY)) {
            return None;
        }
        self.since_said = Some(Stopwatch::start());
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_said_once_a_minute() {
        let mut ignored = Ignored::new();
        assert_eq!(ignored.due("unsigned"), Some(1));
        assert_eq!((ignored.due("unsigned"), ignored.due("unknown_schema")), (None, None));
        ignored.since_said = None;
        assert_eq!(ignored.due("copied"), Some(3), "with those that were not said");
    }
}
