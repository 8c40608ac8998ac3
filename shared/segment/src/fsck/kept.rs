//! A checkpoint that was kept: what it vouches for must still be the beginning of the log.

use merkle::checkpoint::Checkpoint;
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash};

use crate::fault::{Distrust, Fault, expect_equal};
use crate::policy::Policy;

const STEP: &str = "kept checkpoint";
const PLACE: &str = "the kept checkpoint";

/// A kept checkpoint, and the log up to it.
#[derive(Debug)]
pub(super) struct Kept {
    checkpoint: Checkpoint,
    log: Frontier,
}

impl Kept {
    pub(super) fn open(policy: &Policy, note: &str) -> Result<Self, Distrust> {
        let checkpoint = policy.open_checkpoint(PLACE, note)?;
        Ok(Self { checkpoint, log: Frontier::default() })
    }

    /// Takes the next entry of the log.
    pub(super) fn add(&mut self, leaf: Hash) {
        if self.log.size() < self.checkpoint.size {
            self.log.append(leaf);
        }
    }

    /// After the last entry of a log of that origin.
    pub(super) fn check(&self, origin: &str) -> Result<(), Fault> {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        if self.log.size() < *size {
            let expected = format!("a log of at least {size} entries");
            let found = format!("{}: it was rolled back", self.log.size());
            return Err(Fault::new(STEP, PLACE, expected, found));
        }
        expect_equal(STEP, PLACE, &origin, &self.checkpoint.origin.as_str())?;
        expect_equal(STEP, PLACE, &hash::to_hex(root), &hash::to_hex(&self.log.root()))
    }
}
