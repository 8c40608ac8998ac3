//! Objects that no commit names: what a sealer that died, or lost a race, has left behind.
//!
//! An object of a partition that begins where the sealed part ends, or later, is not sealed yet. Once a
//! commit covers its first offset and names another object, no commit can name it any more: it is an
//! orphan. A note of that is put into the archive. A day later both are removed, if the log is still
//! the one that the note was made under: after a log was set back to an older copy, what was sealed
//! since looks like orphans too, and is evidence. A listing may lag, so that an orphan may stay;
//! `driftseal fsck` names those.

mod waiting;

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError};
use event::TopicPartition;
use segment::layout::SegmentName;
use tracing::{debug, warn};

pub(crate) use self::waiting::Waiting;
use crate::store::Stored;

/// Objects of sealers before this one, by partition.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    left: BTreeMap<TopicPartition, Vec<SegmentName>>,
}

impl Orphans {
    /// Takes, of the objects of a topic, those of a partition that begin at or after the end of its
    /// sealed part (0: nothing is sealed).
    pub(crate) fn find<'a>(
        &mut self,
        partition: &TopicPartition,
        sealed_to: i64,
        paths: impl Iterator<Item = &'a str>,
    ) {
        let names = paths.filter_map(SegmentName::parse);
        let left = names
            .filter(|name| name.partition() == partition && name.first_offset() >= sealed_to)
            .collect();
        self.left.insert(partition.clone(), left);
    }

    /// Forgets a partition, whose part was sealed by somebody else: what of the objects he has
    /// committed is not known here.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.left.remove(partition);
    }

    /// What nobody can commit any more, now that these segments are committed.
    pub(crate) fn covered(&mut self, sealed: &[Stored]) -> Vec<SegmentName> {
        let mut covered = Vec::new();
        for segment in sealed {
            let Some(left) = self.left.get_mut(&segment.facts.partition) else { continue };
            let passed =
                left.extract_if(.., |name| name.first_offset() < segment.facts.next_offset);
            covered.extend(passed.filter(|name| {
                name.parquet() != segment.parquet_path && name.census() != segment.census_path
            }));
        }
        covered
    }
}

/// Removes the objects of a segment; whether both are gone. Nothing depends on it.
pub(crate) fn remove(archive: &Archive, parquet: &str, census: &str) -> bool {
    let removed = archive.delete(census).and_then(|()| archive.delete(parquet));
    match &removed {
        Ok(()) => debug!(segment = parquet, "removed what no commit names"),
        Err(error) => {
            warn!(segment = parquet, %error, "no commit names this object, and it cannot be removed")
        }
    }
    removed.is_ok()
}

/// Paths of the objects of a topic from a day on; of all days if nothing of it is sealed.
pub(crate) fn list(
    archive: &Archive,
    topic: &str,
    since_ms: Option<i64>,
) -> Result<Vec<String>, ArchiveError> {
    let found = match since_ms.and_then(|ms| segment::layout::day(topic, ms)) {
        Some(day) => archive.list_after(&segment::layout::topic(topic), &day)?,
        None => archive.list(&segment::layout::topic(topic))?,
    };
    Ok(found.into_iter().map(|object| object.path).collect())
}
