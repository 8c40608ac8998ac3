//! The quarantined records of an archive: what did not decode, and why.

use archive::Archive;
use event::{TopicPartition, column, kind};
use segment::census::Census;
use segment::excerpt::Period;
use segment::read::Row;
use segment::rows::{Check, SegmentRows};

use crate::index::{Index, Lookup};
use crate::{EvidenceError, Progress, read_log};

/// How records that did not decode name their schema. What a sender calls a quarantine is none.
const NO_SCHEMA: &str = "none";

/// A record that did not decode. Texts are as they were sealed; whoever shows them escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its partition.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// The broker's timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Why, from the fixed list of [`event::Reason`].
    pub reason: String,
    /// JSON pointer or `byte N`; empty for the record as a whole.
    pub pointer: String,
    /// Encoding that was tried; empty if none.
    pub encoding: String,
    /// The cause in words; `None` if it was erased.
    pub detail: Option<String>,
    /// Bytes of the value; `None` if there was none, or it was erased.
    pub value: Option<Vec<u8>>,
}

/// Calls `show` with each quarantined record of sealed segments, in log order; those that the broker
/// appended in a period, if one is given. Segments without any are not read: their census says so.
///
/// # Errors
///
/// As for reading; a segment that is not what was sealed.
pub fn quarantined(
    archive: &Archive,
    policy: &segment::policy::Policy,
    period: Option<Period>,
    progress: &mut dyn FnMut(Progress),
    show: &mut dyn FnMut(Quarantined),
) -> Result<(), EvidenceError> {
    let by_heads = match period {
        Some(period) => Index::open(archive, policy).and_then(|mut index| {
            // What the newest head does not cover yet, only the commits tell.
            if index.is_complete() { index.period(period) } else { Err(Lookup::NoHeads) }
        }),
        None => Err(Lookup::NoHeads),
    };
    let entries = match by_heads {
        Ok(entries) => entries,
        Err(Lookup::NoHeads) => read_log(archive, policy, progress)?.entries,
        Err(Lookup::Failed(error)) => return Err(error),
    };
    let total = entries.len() as u64;
    for (done, entry) in (1_u64..).zip(&entries) {
        progress(Progress { phase: "searching segments", done, total });
        let Some(segment) = entry.opened.manifest.segment() else { continue };
        let census = archive.get(&segment.census_path)?;
        let holds_some = Census::parse(&census)
            .is_ok_and(|census| census.agents.keys().any(|(_, of)| of == kind::QUARANTINE_ADDED));
        if !holds_some {
            continue;
        }
        let parquet = Some(archive.get(&segment.parquet_path)?);
        let partition = &segment.facts.partition;
        let mut rows = SegmentRows::open(segment, parquet, Check::Everything)?;
        let mut found = Vec::new();
        while rows.next_batch(|row| found.extend(of(partition, row)))? {}
        // Only now is it known that the rows are what was sealed.
        for record in found {
            let at = record.timestamp_ms;
            if period.is_none_or(|period| period.touches(at, at)) {
                show(record);
            }
        }
    }
    Ok(())
}

fn of(partition: &TopicPartition, row: &Row<'_>) -> Option<Quarantined> {
    if row.schema_id != NO_SCHEMA {
        return None;
    }
    let event = &row.event;
    let text = |column| event.text(column).map(str::to_owned);
    Some(Quarantined {
        partition: partition.clone(),
        offset: row.offset,
        timestamp_ms: row.timestamp_ms,
        // The row is of this kind because a reader of ours set all but the erasable ones.
        reason: text(column::quarantine::REASON)?,
        pointer: text(column::quarantine::POINTER)?,
        encoding: event.text(column::quarantine::ENCODING).unwrap_or_default().to_owned(),
        detail: text(column::quarantine::DETAIL),
        value: event.bytes(column::quarantine::VALUE).map(<[u8]>::to_vec),
    })
}
