//! How far librdkafka has read, where records do not tell: behind the last one there may be offsets
//! without a record (transaction markers, aborted records), and before the end an open transaction.
//!
//! librdkafka reports the next offset that it will fetch in its statistics. Everything below that was
//! delivered once its queue was found empty after the report.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use event::TopicPartition;
use ports::Position;
use rdkafka::Statistics;

/// Reports after a seek that count: the first may have been made before it.
const REPORTS_MIN: u32 = 2;

#[derive(Debug, Default, Clone, Copy)]
struct Fetched {
    /// Reports since the last seek.
    reports: u32,
    /// The next offset to fetch, as last reported.
    reported: Option<i64>,
    /// Everything below this offset was delivered.
    passed: Option<i64>,
    /// First offset of the transaction that fetching waits for.
    blocked_at: Option<i64>,
}

/// Progress of the partitions that were sought.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<BTreeMap<TopicPartition, Fetched>>);

impl Progress {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Fetched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was known of a partition is void: it is read from another offset.
    pub(crate) fn sought(&self, partition: &TopicPartition) {
        self.lock().insert(partition.clone(), Fetched::default());
    }

    /// The partition is no longer read.
    pub(crate) fn forget(&self, partition: &TopicPartition) {
        self.lock().remove(partition);
    }

    /// Takes a report.
    pub(crate) fn report(&self, statistics: &Statistics) {
        let mut state = self.lock();
        for (partition, fetched) in &mut *state {
            let topic = statistics.topics.get(&*partition.topic);
            let Some(found) = topic.and_then(|topic| topic.partitions.get(&partition.partition))
            else {
                continue;
            };
            fetched.take(found.next_offset, found.ls_offset, found.hi_offset);
        }
    }

    /// The queue of records is empty.
    pub(crate) fn drained(&self) {
        for fetched in self.lock().values_mut() {
            fetched.passed = fetched.passed.max(fetched.reported.take());
        }
    }

    /// Offset below which everything was delivered, as far as is known.
    pub(crate) fn passed(&self, partition: &TopicPartition) -> Option<i64> {
        self.lock().get(partition)?.passed
    }

    /// Partitions whose reading waits for a transaction, each with the offset where it begins.
    pub(crate) fn blocked(&self) -> Vec<Position> {
        let state = self.lock();
        let blocked = state.iter().filter_map(|(partition, fetched)| {
            Some(Position { partition: partition.clone(), offset: fetched.blocked_at? })
        });
        blocked.collect()
    }
}

impl Fetched {
    /// Takes the next offset to fetch, the last stable offset and the end; negative where unknown.
    fn take(&mut self, next: i64, stable: i64, end: i64) {
        self.reports = self.reports.saturating_add(1);
        if self.reports < REPORTS_MIN || next < 0 {
            return;
        }
        self.reported = Some(next);
        self.blocked_at = (stable >= 0 && next >= stable && end > stable).then_some(stable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn report(progress: &Progress, next: i64, stable: i64, end: i64) {
        for fetched in progress.lock().values_mut() {
            fetched.take(next, stable, end);
        }
    }

    #[test]
    fn what_was_fetched_counts_once_the_queue_was_empty_after_the_report() {
        let progress = Progress::default();
        progress.sought(&partition());
        for (next, passed) in [(50, None), (7, Some(7)), (9, Some(9)), (-1001, Some(9))] {
            report(&progress, next, 9, 9);
            progress.drained();
            assert_eq!(progress.passed(&partition()), passed, "reported {next}");
        }
        report(&progress, 12, 12, 12);
        assert_eq!(progress.passed(&partition()), Some(9), "records may be in the queue");
        progress.sought(&partition());
        assert_eq!(progress.passed(&partition()), None, "it is read from another offset");
        progress.forget(&partition());
        report(&progress, 12, 12, 12);
        progress.drained();
        assert_eq!(progress.passed(&partition()), None);
    }

    #[test]
    fn a_transaction_blocks_once_everything_before_it_was_fetched() {
        let progress = Progress::default();
        progress.sought(&partition());
        report(&progress, 0, 5, 9);
        // Next to fetch, last stable offset, end; where it is blocked.
        for (next, stable, end, at) in [
            (3, 5, 9, None),
            (5, 5, 9, Some(5)),
            (5, 5, 12, Some(5)),
            (12, 12, 12, None),
            (12, -1001, 12, None),
        ] {
            report(&progress, next, stable, end);
            let blocked = progress.blocked().first().map(|position| position.offset);
            assert_eq!(blocked, at, "{next}, {stable}, {end}");
        }
    }
}
