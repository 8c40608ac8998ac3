//! Orphans that wait for their removal.

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError};
use event::TopicPartition;
use segment::layout;
use segment::manifest::HeadRef;
use segment::orphan::Orphan;
use tracing::{debug, info, warn};

/// Notes of the partitions that this sealer has, by path.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    notes: BTreeMap<String, Orphan>,
}

impl Waiting {
    /// Reads the notes of partitions of a topic that sealers before this one have left.
    ///
    /// # Errors
    ///
    /// Those of the archive.
    pub(crate) fn find(
        &mut self,
        archive: &Archive,
        topic: &str,
        partitions: &[&TopicPartition],
    ) -> Result<(), ArchiveError> {
        for object in archive.list(&layout::orphans(topic))? {
            let bytes = match archive.get(&object.path) {
                // Another sealer was quicker.
                Err(ArchiveError::NotFound { .. }) => continue,
                outcome => outcome?,
            };
            match Orphan::parse(&object.path, &bytes) {
                Some(note) if partitions.contains(&note.name.partition()) => {
                    self.notes.insert(object.path, note);
                }
                Some(_) => {}
                None => warn!(path = object.path, "this object is not an orphan note; it stays"),
            }
        }
        Ok(())
    }

    /// Forgets a partition; its next owner reads the notes.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.notes.retain(|_, note| note.name.partition() != partition);
    }

    /// Takes a note, and keeps it in the archive.
    pub(crate) fn add(&mut self, archive: &Archive, note: Orphan) {
        let (path, segment) = (note.name.orphan(), note.name.parquet());
        match archive.put(&path, note.to_bytes()) {
            Ok(()) => info!(segment, "no commit can name this object any more; it is kept for now"),
            // Unless this process lives to remove it, it stays, and fsck names it.
            Err(error) => warn!(segment, %error, "an orphan cannot be noted in the archive"),
        }
        self.notes.insert(path, note);
    }

    /// Removes what has waited long enough, and its notes; how many. `log_at` reads the log after a
    /// commit, as it is now: an object that was found to be an orphan of another log stays.
    ///
    /// # Errors
    ///
    /// That the log cannot be read; what is left waits on.
    pub(crate) fn remove_due<E>(
        &mut self,
        archive: &Archive,
        now_ms: i64,
        wait_ms: i64,
        mut log_at: impl FnMut(u64) -> Result<Option<HeadRef>, E>,
    ) -> Result<usize, E> {
        let is_due = |note: &Orphan| note.covered_at_ms.saturating_add(wait_ms) <= now_ms;
        let due = self.notes.iter().filter(|(_, note)| is_due(note)).map(|(path, _)| path);
        let mut removed = 0;
        for path in due.cloned().collect::<Vec<_>>() {
            let Some(note) = self.notes.get(&path) else { continue };
            let (segment, census) = (note.name.parquet(), note.name.census());
            let is_same_log = log_at(note.covered_by.sequence)? == Some(note.covered_by);
            if !is_same_log {
                warn!(
                    segment,
                    note = path,
                    commit = note.covered_by.sequence,
                    "the transparency log is not the one under which this object was found to be an \
                     orphan: it may be evidence of what the log was, and stays"
                );
            } else if super::remove(archive, &segment, &census) {
                removed += 1;
                if let Err(error) = archive.delete(&path) {
                    debug!(path, %error, "the note on an orphan that is gone cannot be removed");
                }
            }
            // What stays is looked at again by the next owner.
            self.notes.remove(&path);
        }
        Ok(removed)
    }

    pub(crate) fn len(&self) -> usize {
        self.notes.len()
    }
}
