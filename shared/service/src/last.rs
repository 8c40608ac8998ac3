//! Looks at the records with which readers recognize their partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use event::TopicPartition;
use ports::identity::AtLast;
use ports::mark::{Mark, MarkKey};
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
    let mut found = Vec::new();
    let mut asked: Vec<Offsets> = Vec::new();
    for (partition, position) in positions {
        let range = log.offsets(partition)?;
        found.push((range, AtLast::NotAsked));
        if let Some((last, next)) = position.and_then(|next| Some((next.checked_sub(1)?, next)))
            && (range.first..range.next).contains(&last)
        {
            asked.push((partition.clone(), last..next));
        }
    }
    let mut seen: BTreeMap<TopicPartition, Mark> = BTreeMap::new();
    let unread = read_ranges(log, asked.clone(), silence_max, |partition, record| {
        seen.insert(partition.clone(), key.mark(record));
    })?;
    if let Some((partition, range)) = unread.first() {
        let offset = range.start;
        return Err(LogError::Unavailable(format!(
            "the log gives neither the record at offset {offset} of {partition} nor one behind it"
        )));
    }
    for ((partition, _), (range, at_last)) in positions.iter().zip(&mut found) {
        let Some((_, last)) = asked.iter().find(|(asked, _)| asked == partition) else { continue };
        *at_last = match seen.get(partition) {
            Some(mark) => AtLast::Record(*mark),
            None => {
                // Retention may have taken it meanwhile, which is no reason to stop.
                *range = log.offsets(partition)?;
                if range.first > last.start { AtLast::NotAsked } else { AtLast::Absent }
            }
        };
    }
    Ok(found)
}
