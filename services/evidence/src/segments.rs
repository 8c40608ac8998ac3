//! What is committed: the segments that the log of an archive names.

use archive::Archive;
use segment::fault::Distrust;
use segment::manifest::{Manifest, SegmentManifest};
use segment::policy::Policy;

use crate::{EvidenceError, Progress, read_log};

/// The committed segments of an archive, in the order of the log. An object under `data/` that is not
/// among them is not evidence: a sealer that died left it behind, or somebody put it there.
///
/// # Errors
///
/// See [`EvidenceError`]; an entry that changes which objects hold the rows of earlier ones is
/// unverifiable, because no version writes any yet.
pub fn segments(
    archive: &Archive,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<SegmentManifest>, EvidenceError> {
    let mut segments = Vec::new();
    for entry in read_log(archive, policy, progress)?.entries {
        match entry.opened.manifest {
            Manifest::Segment(manifest) => segments.push(*manifest),
            Manifest::Installation(_) | Manifest::Key(_) => {}
            Manifest::Amendment(amendment) => {
                return Err(EvidenceError::Log(Distrust::Unverifiable(format!(
                    "log entry {} is of kind `{}`, and this version does not follow which objects it \
                     replaces",
                    entry.index,
                    amendment.kind.name()
                ))));
            }
            Manifest::Unknown(_) => unreachable!("reading the log refuses unknown kinds"),
        }
    }
    Ok(segments)
}
