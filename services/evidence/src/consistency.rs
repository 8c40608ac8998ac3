//! The proof that the log of an archive went on from an older checkpoint and nothing else.

use archive::Archive;
use merkle::checkpoint::Checkpoint;
use merkle::rfc6962::{self, Frontier};
use merkle::{Hash, hash};
use segment::consistency::Consistency;
use segment::fault::{Fault, expect_equal};
use segment::log::SubtreeTiles;
use segment::policy::Policy;

use crate::index::{Index, Lookup};
use crate::{EvidenceError, Progress, read_log};

const STEP: &str = "kept checkpoint";

/// Proves that what an older signed checkpoint vouches for is the beginning of what a newer one does:
/// of `newer`, or of the last one of the archive. Some ten tiles are read; if they are missing or
/// wrong, the whole log.
///
/// # Errors
///
/// A checkpoint that is not of this log, or not any more: the log was rolled back. Others as for
/// reading.
pub fn consistency(
    archive: &Archive,
    policy: &Policy,
    older: &str,
    newer: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Consistency, EvidenceError> {
    let open = |place, note: &str| policy.open_checkpoint(place, note).map_err(EvidenceError::Log);
    let older = Signed { note: older, checkpoint: open("the older checkpoint", older)? };
    let newer = match newer {
        None => None,
        Some(note) => Some(Signed { note, checkpoint: open("the newer checkpoint", note)? }),
    };
    progress(Progress { phase: "reading tiles", done: 0, total: 1 });
    match by_tiles(archive, policy, &older, newer.as_ref()) {
        Ok(document) => Ok(document),
        Err(Lookup::NoHeads) => by_commits(archive, policy, &older, newer.as_ref(), progress),
        Err(Lookup::Failed(error)) => Err(error),
    }
}

/// A signed checkpoint, and what it says.
struct Signed<'n> {
    note: &'n str,
    checkpoint: Checkpoint,
}

/// By the tiles; whatever does not hold is for the commits to tell.
fn by_tiles(
    archive: &Archive,
    policy: &Policy,
    older: &Signed<'_>,
    newer: Option<&Signed<'_>>,
) -> Result<Consistency, Lookup> {
    let index = Index::open(archive, policy)?;
    // Without a newer checkpoint the last one is meant, which may have no head yet.
    if newer.is_none() && !index.is_complete() {
        return Err(Lookup::NoHeads);
    }
    let note = newer.map_or_else(|| index.checkpoint(), |newer| newer.note);
    let new_size = newer.map_or_else(|| index.newest.size(), |newer| newer.checkpoint.size);
    let needed = rfc6962::consistency_nodes(older.checkpoint.size, new_size)
        .and_then(|nodes| SubtreeTiles::of(index.newest.size(), nodes))
        .ok_or(Lookup::NoHeads)?;
    let paths: Vec<_> = needed.tiles().iter().map(|tile| tile.path()).collect();
    let tiles = archive.get_many(&paths).map_err(|_| Lookup::NoHeads)?;
    let path = needed.roots(&tiles).ok_or(Lookup::NoHeads)?;
    let document = Consistency::new(older.note, note, &path);
    match document.check(policy) {
        Ok(_) => Ok(document),
        Err(_) => Err(Lookup::NoHeads),
    }
}

fn by_commits(
    archive: &Archive,
    policy: &Policy,
    older: &Signed<'_>,
    newer: Option<&Signed<'_>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Consistency, EvidenceError> {
    let log = read_log(archive, policy, progress)?;
    let leaves = log.leaves();
    for (place, signed) in [("the older checkpoint", Some(older)), ("the newer checkpoint", newer)]
    {
        if let Some(signed) = signed {
            is_of(place, &signed.checkpoint, &log.origin, &leaves)?;
        }
    }
    let note = newer.map_or(log.checkpoint.as_str(), |newer| newer.note);
    let new_size = newer.map_or(leaves.len() as u64, |newer| newer.checkpoint.size);
    let path = usize::try_from(new_size)
        .ok()
        .and_then(|size| leaves.get(..size))
        .and_then(|leaves| rfc6962::prove_consistency(leaves, older.checkpoint.size))
        .ok_or_else(|| {
            let expected = format!("at least the {} entries of the older", older.checkpoint.size);
            Fault::new(STEP, "the newer checkpoint", expected, new_size.to_string())
        })?;
    let document = Consistency::new(older.note, note, &path);
    document.check(policy).map_err(EvidenceError::Log)?;
    Ok(document)
}

/// Checks that a log with these leaves begins with what a checkpoint vouches for.
fn is_of(place: &str, checkpoint: &Checkpoint, origin: &str, leaves: &[Hash]) -> Result<(), Fault> {
    expect_equal(STEP, place, &origin, &checkpoint.origin.as_str())?;
    let size = checkpoint.size;
    let first = usize::try_from(size).ok().and_then(|size| leaves.get(..size));
    let Some(first) = first else {
        let found = format!("{}: it was rolled back", leaves.len());
        return Err(Fault::new(STEP, place, format!("a log of at least {size} entries"), found));
    };
    let mut log = Frontier::new();
    first.iter().for_each(|leaf| log.append(*leaf));
    let (signed, found) = (hash::to_hex(&checkpoint.root), hash::to_hex(&log.root()));
    if signed == found {
        return Ok(());
    }
    let found = format!("{found}: the log was rolled back, and went on differently");
    Err(Fault::new(STEP, place, format!("root {signed} at {size} entries"), found))
}
