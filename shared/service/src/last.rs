//! Looks at the records with which readers recognize their partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use event::TopicPartition;
use ports::identity::AtLast;
use ports::mark::MarkKey;
use ports::{EventLog, LogError, OffsetRange};

use crate::read::{Offsets, read_ranges};

/// Looks at what each partition holds, and which record is before a position of it, if one is held
/// there. One consumer reads for all partitions. The answers are in the order of the questions.
///
/// # Errors
///
/// What the log reports; `Unavailable` if it tells for `silence_max` neither a record nor that there is
/// none.
pub fn look(
    log: &dyn EventLog,
    key: &MarkKey,
    positions: &[(TopicPartition, Option<i64>)],
    silence_max: Duration,
) -> Result<Vec<(OffsetRange, AtLast)>, LogError> {
    let mut ranges = Vec::new();
    let mut wanted: BTreeMap<TopicPartition, AtLast> = BTreeMap::new();
    for (partition, position) in positions {
        let range = log.offsets(partition)?;
        ranges.push(range);
        let last = position.and_then(|next| next.checked_sub(1));
        if last.is_some_and(|last| (range.first..range.next).contains(&last)) {
            wanted.insert(partition.clone(), AtLast::Absent);
        }
    }
    let asked: Vec<Offsets> = positions
        .iter()
        .filter(|(partition, _)| wanted.contains_key(partition))
        .filter_map(|(partition, next)| Some((partition.clone(), (*next)?)))
        .map(|(partition, next)| (partition, next.saturating_sub(1)..next))
        .collect();
    let unread = read_ranges(log, asked, silence_max, |partition, record| {
        if let Some(found) = wanted.get_mut(partition) {
            *found = AtLast::Record(key.mark(record));
        }
    })?;
    if let Some((partition, range)) = unread.first() {
        let offset = range.start;
        return Err(LogError::Unavailable(format!(
            "the log gives neither the record at offset {offset} of {partition} nor one behind it"
        )));
    }
    let found = |(partition, _): &(TopicPartition, _)| {
        wanted.get(partition).copied().unwrap_or(AtLast::NotAsked)
    };
    Ok(ranges.into_iter().zip(positions.iter().map(found)).collect())
}
