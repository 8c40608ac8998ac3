//! Reading partitions up to a known end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use event::{Record, TopicPartition};
use ports::{EventLog, LogError, Polled, Subscription};

use crate::clock::Stopwatch;

/// Longest wait of a single poll.
const POLL: Duration = Duration::from_millis(250);

/// A range of offsets of a partition, end exclusive.
pub type Offsets = (TopicPartition, Range<i64>);

/// Calls `show` with each record of the ranges, in offset order within each partition; partitions are
/// interleaved. Records that retention has deleted are skipped. One consumer reads all ranges at
/// once, which takes a third of the time of reading them in sequence.
///
/// A range may end in offsets without records (transaction markers, compaction), which the log tells by
/// and by. If no record has arrived for `silence_max` and the log still answers, the rest of each range is returned, for the
/// caller to judge.
///
/// # Errors
///
/// What the log reports.
pub fn read_ranges(
    log: &dyn EventLog,
    ranges: impl IntoIterator<Item = Offsets>,
    silence_max: Duration,
    mut show: impl FnMut(&TopicPartition, &Record<'_>),
) -> Result<Vec<Offsets>, LogError> {
    let mut missing: BTreeMap<TopicPartition, Range<i64>> = BTreeMap::new();
    for (partition, range) in ranges {
        let first = if range.is_empty() { range.end } else { log.offsets(&partition)?.first };
        let start = range.start.max(first);
        if start < range.end {
            missing.insert(partition, start..range.end);
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let partitions = missing.keys().cloned().collect();
    let mut consumer = log.consumer(Subscription::Partitions(partitions))?;
    let mut since_record = Stopwatch::start();
    while !missing.is_empty() {
        match consumer.poll(POLL.min(silence_max))? {
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    if let Some(range) = missing.get(&partition) {
                        consumer.seek(&partition, range.start)?;
                    }
                }
            }
            Polled::Batch(batch) => {
                since_record = Stopwatch::start();
                let partition = batch.partition();
                let Some(range) = missing.get_mut(partition) else { continue };
                for record in batch.records().filter(|record| record.offset < range.end) {
                    show(partition, &record);
                }
                range.start = batch.next_offset().map_or(range.start, |next| next.max(range.start));
                if range.is_empty() {
                    // Records appended meanwhile are beyond the range.
                    consumer.pause(partition, true)?;
                    missing.remove(partition);
                }
            }
            Polled::Idle | Polled::Revoked(_) => {
                let is_passed = |(partition, range): (&TopicPartition, &Range<i64>)| {
                    consumer.passed(partition).is_some_and(|passed| passed >= range.end)
                };
                missing.retain(|partition, range| !is_passed((partition, range)));
                if since_record.has_passed(silence_max) {
                    // An unreachable log must not be taken for the end of a range.
                    for partition in missing.keys() {
                        log.offsets(partition)?;
                    }
                    return Ok(missing.into_iter().collect());
                }
            }
        }
    }
    Ok(Vec::new())
}

/// Calls `show` with each record that the partitions hold now; see [`read_ranges`].
///
/// # Errors
///
/// What the log reports.
pub fn read_to_end(
    log: &dyn EventLog,
    partitions: impl IntoIterator<Item = TopicPartition>,
    silence_max: Duration,
    show: impl FnMut(&TopicPartition, &Record<'_>),
) -> Result<Vec<Offsets>, LogError> {
    let mut ranges = Vec::new();
    for partition in partitions {
        let held = log.offsets(&partition)?;
        ranges.push((partition, held.first..held.next));
    }
    read_ranges(log, ranges, silence_max, show)
}
