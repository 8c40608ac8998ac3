//! The log of an archive, verified.

use archive::Archive;
use merkle::Hash;
use segment::fault::Distrust;
use segment::layout;
use segment::log::Head;
use segment::manifest::Manifest;
use segment::policy::Policy;
use segment::replay::{Entry, Replay};

use crate::{EvidenceError, Progress};

/// Commits that are read at once.
const COMMITS_AT_ONCE: usize = 64;

/// All entries of a log and the checkpoint that vouches for exactly these.
#[derive(Debug, Clone)]
pub struct Log {
    /// Origin.
    pub origin: String,
    /// The signed checkpoint of the last commit.
    pub checkpoint: String,
    /// All entries.
    pub entries: Vec<Entry>,
    /// The newest head that an entry names; `None` if nothing is sealed.
    pub named: Option<Head>,
}

impl Log {
    /// Leaf hashes of all entries.
    #[must_use]
    pub fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| entry.leaf).collect()
    }
}

/// Reads and verifies the log of an archive. Memory: all entries, some two kilobytes each.
///
/// # Errors
///
/// See [`EvidenceError`]; a commit that is missing in the sequence ends the log, and `fsck` says so.
pub fn read_log(
    archive: &Archive,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress),
) -> Result<Log, EvidenceError> {
    let listed = archive.list(layout::COMMITS)?;
    let total = listed.len() as u64;
    let sequences = listed.iter().filter_map(|object| layout::parse_commit(&object.path));
    let paths: Vec<String> =
        (0..).zip(sequences).take_while(|(n, s)| n == s).map(|(n, _)| layout::commit(n)).collect();
    if paths.is_empty() {
        return Err(EvidenceError::NoLog);
    }
    let mut replay = Replay::new(policy.clone());
    let (mut entries, mut named) = (Vec::new(), None);
    for chunk in paths.chunks(COMMITS_AT_ONCE) {
        for bytes in archive.get_many(chunk)? {
            let before = replay.head();
            let added = replay.apply(&bytes).map_err(EvidenceError::Log)?;
            known(&added)?;
            if added.iter().any(|entry| entry.opened.manifest.segment().is_some()) {
                named = before;
            }
            entries.extend(added);
        }
        progress(Progress { phase: "reading the log", done: replay.next_sequence(), total });
    }
    Ok(Log {
        origin: replay.origin().to_owned(),
        checkpoint: replay.checkpoint().to_owned(),
        entries,
        named,
    })
}

/// What an entry of an unknown kind changes cannot be told, so nothing is derived from such a log.
fn known(entries: &[Entry]) -> Result<(), EvidenceError> {
    for entry in entries {
        if let Manifest::Unknown(unknown) = &entry.opened.manifest {
            return Err(EvidenceError::Log(Distrust::Unverifiable(format!(
                "log entry {} is of kind `{}`, which this version does not know",
                entry.index, unknown.kind
            ))));
        }
    }
    Ok(())
}
