//! Records that are not believed: counted by reason, and said.

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
        metrics::counter!(names::NOTIFIER_RECORDS_IGNORED, "reason" => reason).increment(1);
        self.unsaid += 1;
        if self.since_said.as_ref().is_none_or(|since| since.has_passed(SAID_EVERY)) {
            let records = std::mem::take(&mut self.unsaid);
            warn!(
                topic,
                reason,
                records,
                "records of the topic are not signed by this installation, or are copies; ignored \
                 them (said at most once a minute)"
            );
            self.since_said = Some(Stopwatch::start());
        }
    }
}
