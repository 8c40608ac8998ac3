//! Reading back known ranges of partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use event::{Record, TopicPartition};
use ports::{EventLog, LogError, Polled, Subscription};
use service::clock::Stopwatch;
use tracing::warn;

/// Longest single poll; a lost wake-up costs no more.
const POLL: Duration = Duration::from_millis(250);

/// From the first offset up to, not including, the second.
pub(crate) type Range = (i64, i64);

/// Shows each record of the ranges, in order within each partition. Records that retention has
/// deleted meanwhile are skipped. All are read at once, by one consumer: one after another for each
/// partition took three times as long.
///
/// A range may end in offsets that hold no record. When nothing has come for `wait`, the rest is
/// taken to be such; if it was not, a snapshot is missed (and a longer way replayed) or an output
/// repeated under the same `event_id`.
///
/// # Errors
///
/// What the log says.
pub(crate) fn read_ranges(
    log: &dyn EventLog,
    ranges: impl IntoIterator<Item = (TopicPartition, Range)>,
    wait: Duration,
    mut show: impl FnMut(&TopicPartition, &Record<'_>),
) -> Result<(), LogError> {
    let mut missing: BTreeMap<TopicPartition, Range> = BTreeMap::new();
    for (partition, (from, until)) in ranges {
        let next = if from < until { from.max(log.offsets(&partition)?.first) } else { from };
        if next < until {
            missing.insert(partition, (next, until));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let partitions = missing.keys().cloned().collect();
    let mut consumer = log.consumer(Subscription::Partitions(partitions))?;
    let mut since_progress = Stopwatch::start();
    while !missing.is_empty() {
        match consumer.poll(POLL.min(wait))? {
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    if let Some((next, _)) = missing.get(&partition) {
                        consumer.seek(&partition, *next)?;
                    }
                }
            }
            Polled::Batch(batch) => {
                let partition = batch.partition();
                let Some((next, until)) = missing.get_mut(partition) else { continue };
                for record in batch.records().filter(|record| record.offset < *until) {
                    show(partition, &record);
                }
                *next = batch.next_offset().unwrap_or(*next).max(*next);
                since_progress = Stopwatch::start();
                if *next >= *until {
                    // What others write meanwhile is not waited for.
                    consumer.pause(partition, true)?;
                    missing.remove(partition);
                }
            }
            Polled::Idle | Polled::Revoked(_) => {
                if since_progress.has_passed(wait) {
                    for (partition, (next, until)) in missing {
                        warn!(%partition, next, until, "the end of a range holds no records");
                    }
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
