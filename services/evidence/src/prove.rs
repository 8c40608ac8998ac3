//! The proof of one event.

use archive::Archive;
use bytes::Bytes;
use event::TopicPartition;
use merkle::{Hash, rfc6962};
use segment::excerpt::Period;
use segment::facts::ObjectFacts;
use segment::fault::Distrust;
use segment::manifest::{SegmentManifest, SignerUse};
use segment::policy::Policy;
use segment::proof::{self, EventProof, RangeRead, Sought};
use segment::replay::Entry;

use crate::index::{Index, Lookup};
use crate::{EvidenceError, Progress, read_log, sealed};

/// Which event is to be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The event of the record with these coordinates.
    Record {
        /// Partition of the record.
        partition: TopicPartition,
        /// Offset of the record.
        offset: i64,
    },
    /// The event with this id. With a period, only segments that overlap it are searched; without
    /// one, the whole log is read and every segment is searched.
    Id {
        /// The id.
        event_id: String,
        /// Period in which the broker appended the record.
        period: Option<Period>,
    },
}

/// Finds an event and proves it. Segments are searched in log order, by their bloom filters first.
/// If the log has no valid heads, the whole log is read.
///
/// # Errors
///
/// [`EvidenceError::NoEvent`] if no sealed event is found; others as for reading.
pub fn prove(
    archive: &Archive,
    policy: &Policy,
    wanted: &Wanted,
    progress: &mut dyn FnMut(Progress),
) -> Result<EventProof, EvidenceError> {
    let by_heads = match wanted {
        Wanted::Id { period: None, .. } => Err(Lookup::NoHeads),
        Wanted::Record { .. } | Wanted::Id { .. } => {
            prove_by_heads(archive, policy, wanted, progress)
        }
    };
    match by_heads {
        Ok(Some(found)) => Ok(found),
        // The event may be sealed by a commit whose head is not written yet.
        Ok(None)
        | Err(Lookup::NoHeads | Lookup::Failed(EvidenceError::Log(Distrust::Unverifiable(_)))) => {
            prove_by_commits(archive, policy, wanted, progress)
        }
        Err(Lookup::Failed(error)) => Err(error),
    }
}

fn prove_by_heads(
    archive: &Archive,
    policy: &Policy,
    wanted: &Wanted,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<EventProof>, Lookup> {
    let mut index = Index::open(archive, policy)?;
    let entries: Vec<Entry> = match wanted {
        Wanted::Record { partition, offset } => {
            index.record(partition, *offset)?.into_iter().collect()
        }
        Wanted::Id { period: Some(period), .. } => index.period(*period)?,
        Wanted::Id { period: None, .. } => return Err(Lookup::NoHeads),
    };
    let path_of = |entry: &Entry| index.prove(entry);
    let found =
        search(archive, wanted, (&entries, &index.keys), index.checkpoint(), &path_of, progress)?;
    match found {
        // If the newest commit has no head yet, that commit may hold the event.
        None if index.is_complete() => Err(EvidenceError::NoEvent(wanted.to_string()).into()),
        found => Ok(found),
    }
}

fn prove_by_commits(
    archive: &Archive,
    policy: &Policy,
    wanted: &Wanted,
    progress: &mut dyn FnMut(Progress),
) -> Result<EventProof, EvidenceError> {
    let log = read_log(archive, policy, progress)?;
    let leaves = log.leaves();
    let path_of = |entry: &Entry| {
        rfc6962::prove_inclusion(&leaves, entry.index)
            .ok_or_else(|| EvidenceError::NoEvent(wanted.to_string()))
    };
    let entries = (&log.entries[..], &log.entries[..]);
    search(archive, wanted, entries, &log.checkpoint, &path_of, progress)?
        .ok_or_else(|| EvidenceError::NoEvent(wanted.to_string()))
}

/// Searches segments for the event, in the order given. Filters are hints: where they say that there is
/// no such event, that is believed only of an object that is the sealed one. Beside the entries are those among which
/// all are that accept keys.
fn search(
    archive: &Archive,
    wanted: &Wanted,
    (entries, keys): (&[Entry], &[Entry]),
    checkpoint: &str,
    path_of: &dyn Fn(&Entry) -> Result<Vec<Hash>, EvidenceError>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<EventProof>, EvidenceError> {
    let place = |mut found: EventProof, entry: &Entry| {
        found.place_in_log(entry.index, path_of(entry)?, checkpoint);
        for key in keys.iter().filter(|key| key.index < entry.index) {
            let of_sealer = key.opened.manifest.key();
            if of_sealer.is_some_and(|key| key.used_for == SignerUse::Sealer) {
                found.add_key(key, &path_of(key)?);
            }
        }
        Ok::<_, EvidenceError>(Some(found))
    };
    let total = entries.len() as u64;
    let mut passed_over = Vec::new();
    for (done, entry) in (1_u64..).zip(entries) {
        progress(Progress { phase: "searching segments", done, total });
        let Some(segment) = entry.opened.manifest.segment() else { continue };
        let sought = match wanted {
            Wanted::Record { partition, offset } => {
                let facts = &segment.facts;
                let is_there = facts.partition == *partition
                    && (facts.first_offset..facts.next_offset).contains(offset);
                is_there.then_some(Sought::Offset(*offset))
            }
            Wanted::Id { event_id, .. } => {
                let may_hold = proof::may_hold(Stored::of(archive, segment), event_id);
                if !may_hold {
                    passed_over.push((entry, segment, event_id));
                }
                may_hold.then_some(Sought::Id(event_id))
            }
        };
        let Some(sought) = sought else { continue };
        let parquet = sealed::read(archive, &segment.parquet_path, size_of(segment))?;
        if let Some(found) = proof::prove(sought, &parquet, entry)? {
            return place(found, entry);
        }
    }
    let total = passed_over.len() as u64;
    for (done, (entry, segment, event_id)) in (1_u64..).zip(passed_over) {
        progress(Progress { phase: "checking what filters passed over", done, total });
        let parquet = sealed::read(archive, &segment.parquet_path, size_of(segment))?;
        // If these are the sealed bytes, the filter in them is the sealer's, and right.
        let is_sealed = ObjectFacts::of(&parquet) == segment.facts.parquet;
        if is_sealed && !proof::may_hold(parquet.clone(), event_id) {
            continue;
        }
        if let Some(found) = proof::prove(Sought::Id(event_id), &parquet, entry)? {
            return place(found, entry);
        }
    }
    Ok(None)
}

const fn size_of(segment: &SegmentManifest) -> u64 {
    segment.facts.parquet.size_bytes
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record { partition, offset } => write!(to, "{partition} offset {offset}"),
            Self::Id { event_id, .. } => to.write_str(event_id),
        }
    }
}

/// A segment object in the archive.
struct Stored {
    archive: Archive,
    path: String,
    size_bytes: u64,
}

impl Stored {
    fn of(archive: &Archive, segment: &SegmentManifest) -> Self {
        Self {
            archive: archive.clone(),
            path: segment.parquet_path.clone(),
            size_bytes: segment.facts.parquet.size_bytes,
        }
    }
}

impl RangeRead for Stored {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_range(&self, from: u64, to: u64) -> Result<Bytes, String> {
        self.archive.get_range(&self.path, from..to).map_err(|error| error.to_string())
    }
}
