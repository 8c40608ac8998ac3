//! The proof of one event.

use archive::Archive;
use segment::policy::Policy;
use segment::proof::{self, EventProof};

use crate::{EvidenceError, Progress, read_log};

/// Finds an event by its id and proves it. Segments are searched in the order of the log, through
/// their bloom filters.
///
/// # Errors
///
/// [`EvidenceError::NoEvent`] if no sealed event has the id; others as for reading.
pub fn prove(
    archive: &Archive,
    policy: &Policy,
    event_id: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<EventProof, EvidenceError> {
    let log = read_log(archive, policy, progress)?;
    let leaves = log.leaves();
    let total = log.entries.len() as u64;
    for (done, entry) in (1_u64..).zip(&log.entries) {
        progress(Progress { phase: "searching segments", done, total });
        let Some(manifest) = entry.opened.manifest.segment() else { continue };
        let parquet = archive.get(&manifest.parquet_path)?;
        if !proof::may_hold(&parquet, event_id) {
            continue;
        }
        if let Some(found) = proof::prove(event_id, &parquet, entry, &leaves, &log.checkpoint)? {
            return Ok(found);
        }
    }
    Err(EvidenceError::NoEvent(event_id.to_owned()))
}
