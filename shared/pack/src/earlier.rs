//! A checkpoint that was kept: what it vouches for is still the beginning of the log.

use merkle::checkpoint::Checkpoint;
use merkle::hash;
use segment::consistency::Consistency;
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault, expect_equal};
use segment::policy::Policy;

const STEP: &str = "kept checkpoint";
/// Where a kept checkpoint comes from.
const PLACE: &str = "the kept checkpoint";
const DOCUMENT: &str = "the consistency document";

/// What is known of the log from earlier.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'k> {
    /// A signed checkpoint of the log that was kept: it must be a part of the log.
    pub checkpoint: &'k str,
    /// A document that leads from it to a newer one (`schemas/evidence/consistency.md`), for who
    /// judges what does not reach back so far.
    pub consistency: Option<&'k [u8]>,
}

/// A kept checkpoint that a known key signed, and how far a document leads from it.
#[derive(Debug)]
pub(crate) struct Kept {
    kept: Checkpoint,
    led_to: Option<Checkpoint>,
}

/// The command that makes the document which is missing, and what to do with it.
fn how_to(what: &str) -> String {
    format!(
        "whoever has the archive writes the proof with `driftseal log consistency CHECKPOINT --to \
         {what} -o consistency.json`; then verify again with `--consistency consistency.json`"
    )
}

impl Kept {
    /// Opens the kept checkpoint and checks the document, which must begin with it.
    pub(crate) fn open(policy: &Policy, earlier: Earlier<'_>) -> Result<Self, Distrust> {
        let kept = policy.open_checkpoint(PLACE, earlier.checkpoint)?;
        let Some(document) = earlier.consistency else { return Ok(Self { kept, led_to: None }) };
        let extended = Consistency::parse(document)?.check(policy)?;
        expect_equal(STEP, DOCUMENT, &kept.origin, &extended.older.origin)?;
        if kept.size != extended.older.size {
            return Err(Distrust::Unverifiable(format!(
                "the consistency document is about an older checkpoint of {} entries, and the kept one \
                 vouches for {}",
                extended.older.size, kept.size
            )));
        }
        same_root(DOCUMENT, &kept, &hash::to_hex(&extended.older.root))?;
        Ok(Self { kept, led_to: Some(extended.newer) })
    }

    /// Checks it against the checkpoints in what is judged, of which `newest` is the last; what held.
    pub(crate) fn check_at(
        &self,
        others: &[Checkpoint],
        newest: &Checkpoint,
        what: &str,
    ) -> Result<String, Distrust> {
        self.check_log(newest, what)?;
        let mut proven = false;
        for known in self.known() {
            let same = others.iter().chain([newest]).filter(|found| found.size == known.size);
            for found in same {
                same_root(PLACE, known, &hash::to_hex(&found.root))?;
                proven = true;
            }
        }
        if proven {
            return Ok(self.said());
        }
        Err(Distrust::Unverifiable(format!(
            "the kept checkpoint vouches for {} entries{}, and {what} has a checkpoint of {}; {}",
            self.kept.size,
            self.led(),
            newest.size,
            how_to("FILE")
        )))
    }

    /// Checks it against the checkpoint of a pack, whose entries are in its tree; what held.
    pub(crate) fn check(
        &self,
        checkpoint: &Checkpoint,
        excerpt: &Excerpt,
    ) -> Result<String, Distrust> {
        self.check_log(checkpoint, "the pack")?;
        let (from, to) = (excerpt.head.size(), checkpoint.size);
        let mut proven = false;
        for known in self.known() {
            if (from..=to).contains(&known.size) {
                same_root(PLACE, known, &root_at(excerpt, known.size))?;
                proven = true;
            }
        }
        if proven {
            return Ok(self.said());
        }
        Err(Distrust::Unverifiable(format!(
            "the kept checkpoint vouches for {} entries{}, and the pack proves only checkpoints of \
             {from} to {to}; {}",
            self.kept.size,
            self.led(),
            how_to("PACK")
        )))
    }

    fn known(&self) -> impl Iterator<Item = &Checkpoint> {
        [Some(&self.kept), self.led_to.as_ref()].into_iter().flatten()
    }

    fn led(&self) -> String {
        self.led_to.as_ref().map_or_else(String::new, |newer| {
            format!(" (the consistency document leads from it to {})", newer.size)
        })
    }

    /// It is of the log that is judged, which is not shorter than it was.
    fn check_log(&self, checkpoint: &Checkpoint, what: &str) -> Result<(), Fault> {
        expect_equal(STEP, PLACE, &checkpoint.origin, &self.kept.origin)?;
        if self.kept.size <= checkpoint.size {
            return Ok(());
        }
        let expected = format!("a log of at least {} entries", self.kept.size);
        let found = format!(
            "{}: the log was rolled back, or {what} was made before the checkpoint",
            checkpoint.size
        );
        Err(Fault::new(STEP, PLACE, expected, found))
    }

    fn said(&self) -> String {
        format!("its {} entries are the beginning of the log{}", self.kept.size, self.led())
    }
}

/// The root of the log of a pack at a size that the pack proves.
fn root_at(excerpt: &Excerpt, size: u64) -> String {
    let mut log = excerpt.head.frontier.clone();
    let after = excerpt.entries.iter().filter(|entry| entry.index >= excerpt.head.size());
    for entry in after.take_while(|entry| entry.index < size) {
        log.append(entry.leaf);
    }
    hash::to_hex(&log.root())
}

/// What was signed once for so many entries is what is there now.
fn same_root(place: &str, known: &Checkpoint, found: &str) -> Result<(), Fault> {
    let signed = hash::to_hex(&known.root);
    if signed == found {
        return Ok(());
    }
    let expected = format!("root {signed} at {} entries", known.size);
    let found = format!("{found}: the log was rolled back, and went on differently");
    Err(Fault::new(STEP, place, expected, found))
}
