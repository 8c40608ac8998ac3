//! A checkpoint that was kept: what it vouches for is still the beginning of the log.

use merkle::checkpoint::Checkpoint;
use merkle::hash;
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault, expect_equal};
use segment::policy::Policy;

/// Where a kept checkpoint comes from.
const PLACE: &str = "the kept checkpoint";

/// Checks a kept checkpoint against the checkpoint of a pack, whose entries are in its tree; what
/// held.
pub(crate) fn check(
    policy: &Policy,
    kept: &str,
    checkpoint: &Checkpoint,
    excerpt: &Excerpt,
) -> Result<String, Distrust> {
    const STEP: &str = "kept checkpoint";
    let kept = policy.open_checkpoint(PLACE, kept)?;
    expect_equal(STEP, PLACE, &checkpoint.origin, &kept.origin)?;
    if kept.size > checkpoint.size {
        let expected = format!("a log of at least {} entries", kept.size);
        let found = format!(
            "{}: the log was rolled back, or the pack was made before the checkpoint",
            checkpoint.size
        );
        return Err(Fault::new(STEP, PLACE, expected, found).into());
    }
    let mut log = excerpt.head.frontier.clone();
    if kept.size < log.size() {
        return Err(Distrust::Unverifiable(format!(
            "the kept checkpoint vouches for {} entries, and the pack proves only checkpoints of {} and \
             more; `driftseal fsck --checkpoint` proves it on the archive",
            kept.size,
            log.size()
        )));
    }
    let after = excerpt.entries.iter().filter(|entry| entry.index >= excerpt.head.size());
    for entry in after.take_while(|entry| entry.index < kept.size) {
        log.append(entry.leaf);
    }
    let (signed, found) = (hash::to_hex(&kept.root), hash::to_hex(&log.root()));
    expect_equal(STEP, PLACE, &signed, &found)?;
    Ok(format!("its {} entries are the beginning of the log", kept.size))
}
