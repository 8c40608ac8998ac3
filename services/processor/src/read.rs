//! Reading back a known range of a partition.

use std::time::Duration;

use event::{Record, TopicPartition};
use ports::{EventLog, LogError, Polled, Subscription};
use service::clock::Stopwatch;
use tracing::warn;

/// Longest single poll; a lost wake-up costs no more.
const POLL: Duration = Duration::from_millis(250);

/// Shows each record of a partition from `from` up to, not including, `until`, in order. Records
/// that retention has deleted meanwhile are skipped.
///
/// A range may end in offsets that hold no record. When nothing has come for `wait`, the rest is
/// taken to be such; if it was not, a snapshot is missed (and a longer way replayed) or an output
/// repeated under the same `event_id`.
///
/// # Errors
///
/// What the log says.
pub(crate) fn read_range(
    log: &dyn EventLog,
    partition: &TopicPartition,
    from: i64,
    until: i64,
    wait: Duration,
    mut show: impl FnMut(&Record<'_>),
) -> Result<(), LogError> {
    let mut next = from.max(log.offsets(partition)?.first);
    if next >= until {
        return Ok(());
    }
    let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()]))?;
    let mut since_progress = Stopwatch::start();
    while next < until {
        match consumer.poll(POLL.min(wait))? {
            Polled::Assigned(_) => consumer.seek(partition, next)?,
            Polled::Batch(batch) => {
                for record in batch.records().filter(|record| record.offset < until) {
                    show(&record);
                }
                next = batch.next_offset().unwrap_or(next).max(next);
                since_progress = Stopwatch::start();
            }
            Polled::Idle | Polled::Revoked(_) => {
                if since_progress.has_passed(wait) {
                    warn!(%partition, next, until, "the end of a range holds no records");
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
