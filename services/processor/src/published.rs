//! Outputs that are in the log already, but not covered by a snapshot.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition, column};
use governance::{Trust, verify_alert};
use ports::{EventLog, LogError};
use service::read::read_ranges;
use tracing::warn;

use crate::outbox::Origin;

/// A range of an output partition that is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    pub(crate) output: TopicPartition,
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// Offset of the first record whose outputs are of interest.
    pub(crate) first_origin: i64,
    /// Whether outputs there are signed; others are not the processor's, whatever they say.
    pub(crate) is_signed: bool,
}

/// Reads output partitions in one pass. Returns the origins of the outputs of `topic` in each of
/// them; partitions without any are absent.
///
/// # Errors
///
/// Those of the log.
pub(crate) fn read_published(
    log: &dyn EventLog,
    (topic, trust): (&str, &Trust),
    unread: &[Unread],
    silence_max: Duration,
) -> Result<BTreeMap<TopicPartition, HashSet<Origin>>, LogError> {
    let decoder = Decoder::new(Limits::default());
    let asked: BTreeMap<&TopicPartition, &Unread> =
        unread.iter().map(|unread| (&unread.output, unread)).collect();
    let mut found: BTreeMap<TopicPartition, HashSet<Origin>> = BTreeMap::new();
    let ranges = unread.iter().map(|unread| (unread.output.clone(), unread.from..unread.until));
    let silent = read_ranges(log, ranges, silence_max, |output, record| {
        let Some(Unread { first_origin, is_signed, .. }) = asked.get(output) else {
            unreachable!("a record of {output}, which is not read")
        };
        let decoded = decoder.decode(record);
        let ours = origin_of(&decoded.event, topic, i64::from(output.partition));
        let place = (topic, output.partition);
        let ours = ours.filter(|(offset, _)| offset >= first_origin);
        if let Some(ours) = ours
            && (!is_signed || verify_alert(trust, place, &decoded.event).is_ok())
        {
            found.entry(output.clone()).or_default().insert(ours);
        }
    })?;
    for (partition, range) in silent {
        // If there were records, outputs are published again under the same `event_id`.
        warn!(%partition, from = range.start, until = range.end, "no records found at the end of a range");
    }
    Ok(found)
}

/// Origin of an output of this partition; `None` for other events.
fn origin_of(event: &Event<'_>, topic: &str, partition: i64) -> Option<Origin> {
    let ours = event.text(column::origin::TOPIC) == Some(topic)
        && event.int(column::origin::PARTITION) == Some(partition);
    ours.then_some(())?;
    Some((event.int(column::origin::OFFSET)?, event.int(column::origin::ORDINAL)?))
}
