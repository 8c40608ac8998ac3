//! Which outputs the log holds already, though no snapshot covers them.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, column};
use ports::{EventLog, LogError};
use service::read::read_ranges;
use tracing::warn;

use crate::outbox::Origin;

/// An output partition, and what of it is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    pub(crate) output: TopicPartition,
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// Outputs of earlier records do not matter.
    pub(crate) first_origin: i64,
}

/// Reads the output partitions, all at once. Returns the origins of the outputs of `topic` in each
/// of them that holds any.
///
/// # Errors
///
/// What the log reports.
pub(crate) fn read_published(
    log: &dyn EventLog,
    topic: &str,
    unread: &[Unread],
    silence_max: Duration,
) -> Result<BTreeMap<TopicPartition, HashSet<Origin>>, LogError> {
    let decoder = Decoder::new(Limits::default());
    let firsts: BTreeMap<&TopicPartition, i64> =
        unread.iter().map(|unread| (&unread.output, unread.first_origin)).collect();
    let mut found: BTreeMap<TopicPartition, HashSet<Origin>> = BTreeMap::new();
    let ranges = unread.iter().map(|unread| (unread.output.clone(), unread.from..unread.until));
    let silent = read_ranges(log, ranges, silence_max, |output, record| {
        let Some(first) = firsts.get(output) else { return };
        let decoded = decoder.decode(record);
        let ours = origin_of(&decoded.event, topic, i64::from(output.partition));
        if let Some(ours) = ours.filter(|(offset, _)| offset >= first) {
            found.entry(output.clone()).or_default().insert(ours);
        }
    })?;
    for (partition, range) in silent {
        // If they did hold records, outputs are published again under the same `event_id`.
        warn!(%partition, from = range.start, until = range.end, "offsets without records");
    }
    Ok(found)
}

/// Where an output of this partition comes from; `None` for another event.
fn origin_of(event: &Event<'_>, topic: &str, partition: i64) -> Option<Origin> {
    let ours = event.text(column::origin::TOPIC) == Some(topic)
        && event.int(column::origin::PARTITION) == Some(partition);
    ours.then_some(())?;
    Some((event.int(column::origin::OFFSET)?, event.int(column::origin::ORDINAL)?))
}
