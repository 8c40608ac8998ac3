//! Membership in a consumer group, for all roles: rebalances are logged in one way.

use std::collections::BTreeSet;
use std::time::Duration;

use event::TopicPartition;
use ports::{Consumer, EventLog, LogError, Polled, Position, Subscription};
use tracing::{info, warn};

use crate::blocked::Blocked;
use crate::clock::Stopwatch;
use crate::metric_names as names;

/// Time between two looks at what is blocked.
const LOOK: Duration = Duration::from_secs(5);

/// A member of a consumer group.
#[derive(Debug)]
pub struct Member {
    consumer: Box<dyn Consumer>,
    group: String,
    /// Its partitions, which may be none; `None` while it has no assignment.
    held: Option<BTreeSet<TopicPartition>>,
    since_asked: Stopwatch,
    /// Partitions that nobody had when the log was asked last.
    unowned: BTreeSet<TopicPartition>,
    blocked: Blocked,
    /// Since the last look at what is blocked.
    looked: Stopwatch,
}

/// Time between two questions for partitions that nobody has.
const ASK_EVERY: Duration = Duration::from_secs(30);

impl Member {
    /// Joins a group and subscribes to topics.
    ///
    /// # Errors
    ///
    /// What the log reports.
    pub fn join(
        log: &dyn EventLog,
        group: impl Into<String>,
        topics: impl IntoIterator<Item = String>,
    ) -> Result<Self, LogError> {
        let (group, topics) = (group.into(), topics.into_iter().collect());
        let consumer = log.consumer(Subscription::Group { group: group.clone(), topics })?;
        let (since_asked, unowned) = (Stopwatch::start(), BTreeSet::new());
        let (blocked, looked) = (Blocked::default(), Stopwatch::start());
        Ok(Self { consumer, group, held: None, since_asked, unowned, blocked, looked })
    }

    /// Whether it is a member: it has an assignment.
    ///
    /// # Errors
    ///
    /// That it is none, for `/readyz`.
    pub fn standing(&self) -> Result<(), String> {
        match self.held {
            Some(_) => Ok(()),
            None => Err(format!("no partitions are assigned to it in the group `{}`", self.group)),
        }
    }

    /// As [`Consumer::poll`]; logs what was assigned and revoked.
    ///
    /// # Errors
    ///
    /// As [`Consumer::poll`].
    pub fn poll(&mut self, wait: Duration) -> Result<Polled, LogError> {
        self.look_for_unowned();
        let polled = self.consumer.poll(wait)?;
        if self.looked.has_passed(LOOK) {
            self.looked = Stopwatch::start();
            self.blocked.update(self.consumer.blocked());
        }
        match &polled {
            Polled::Assigned(partitions) => {
                info!(count = partitions.len(), partitions = %list(partitions), "partitions assigned");
                let held = self.held.get_or_insert_default();
                held.extend(partitions.iter().cloned());
            }
            Polled::Revoked(partitions) => {
                info!(count = partitions.len(), partitions = %list(partitions), "partitions revoked");
                let left = |held: &mut BTreeSet<TopicPartition>| {
                    held.retain(|held| !partitions.contains(held));
                    held.is_empty()
                };
                self.held.take_if(left);
            }
            Polled::Idle | Polled::Batch(_) => {}
        }
        Ok(polled)
    }

    /// Counts the partitions of the subscription that no member of the group has, and says so of those that
    /// nobody had the last time either: during a rebalance a partition may be on its way.
    fn look_for_unowned(&mut self) {
        if !self.since_asked.has_passed(ASK_EVERY) {
            return;
        }
        // It is not known now; the next time is soon enough.
        let found = self.consumer.unowned();
        self.since_asked = Stopwatch::start();
        let Ok(Some(unowned)) = found else { return };
        let lasting: Vec<_> = unowned.intersection(&self.unowned).cloned().collect();
        if !lasting.is_empty() {
            warn!(group = self.group, partitions = %list(&lasting), "nobody reads partitions of the group");
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!(names::GROUP_PARTITIONS_UNOWNED, "group" => self.group.clone())
            .set(lasting.len() as f64);
        self.unowned = unowned;
    }

    /// As [`Consumer::seek`].
    ///
    /// # Errors
    ///
    /// As [`Consumer::seek`].
    pub fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.consumer.seek(partition, offset)
    }

    /// As [`Consumer::passed`].
    #[must_use]
    pub fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        self.consumer.passed(partition)
    }

    /// Commits offsets to the group. A failure is only logged, because only lag displays read them.
    pub fn commit(&mut self, positions: &[Position]) {
        if positions.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.commit(positions) {
            warn!(%error, "failed to commit consumer-group offsets");
        }
    }
}

/// `topic/0, topic/1`.
fn list(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
