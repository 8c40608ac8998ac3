//! Where the monitor began without a state, by its own words among the records.
//!
//! The replay has to know before it comes to such a place. The census of a segment tells whether one
//! is in it, so only those segments are read twice. What is found is not checked here: the replay
//! reads the same segments, and checks them.

use std::collections::VecDeque;

use archive::{Archive, ArchiveError};
use event::column;
use governance::Ownership;
use monitor::replay::Start;
use segment::census::Census;
use segment::manifest::SegmentManifest;
use segment::read::Row;
use segment::rows::{Check, SegmentRows};

/// Every start without state of an owner of a partition that these segments tell of.
pub(super) fn starts(
    archive: &Archive,
    place: (&str, i32),
    segments: &VecDeque<SegmentManifest>,
    ownership: &Ownership,
) -> Result<Vec<Start>, ArchiveError> {
    let mut starts = Vec::new();
    // Which start is accepted depends on the starts before it only.
    let mut ownership = ownership.clone();
    for manifest in segments {
        let census = read(archive, &manifest.census_path)?;
        let census = census.and_then(|bytes| Census::parse(&bytes).ok());
        // Without a census, or with one that is none, the rows tell.
        let tells = census.is_none_or(|census| census.agents.keys().any(|(_, k)| k == Start::KIND));
        if !tells {
            continue;
        }
        let parquet = read(archive, &manifest.parquet_path)?;
        // What is wrong with it is found again, and said, when it is replayed.
        let Ok(mut rows) = SegmentRows::open(manifest, parquet, Check::Form) else { continue };
        let mut see = |row: &Row<'_>| {
            let is_start = row.event.text(column::KIND) == Some(Start::KIND);
            if is_start && ownership.accept(place, row.offset, &row.event).is_ok() {
                starts.extend(Start::of(row.offset, &row.event));
            }
        };
        while let Ok(true) = rows.next_batch(&mut see) {}
    }
    Ok(starts)
}

fn read(archive: &Archive, path: &str) -> Result<Option<bytes::Bytes>, ArchiveError> {
    match archive.get(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
