//! The log as a state machine (`schemas/segment/log.md`): commit objects in, verified state out.
//!
//! A commit is refused unless it continues the log in every respect: its number, the size before
//! it, the signature and root of its checkpoint, the signature of each entry, and the chain of
//! manifests of each partition. Tiles, entry bundles and the published checkpoint follow from the
//! commits.

mod commit;
mod tiles;

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::checkpoint::{Checkpoint, CheckpointError};
use merkle::note::{SigningKey, VerifyingKey};
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash};
use thiserror::Error;

use crate::layout;
use crate::manifest::{Manifest, ManifestError, OpenedManifest};

pub use commit::{COMMIT_FORMAT, Commit, ENTRIES_MAX};
use tiles::Tiles;

/// End of the chain of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Identity of the topic.
    pub topic_id: String,
    /// Where the next segment begins.
    pub next_offset: i64,
    /// Digest of the last manifest: `previous` of the next.
    pub manifest: Hash,
    /// Number of the next manifest.
    pub next_sequence: u64,
}

/// Why a commit is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// Not a commit object in its exact form.
    #[error("commit {sequence}: {detail}")]
    Form {
        /// Number of the commit.
        sequence: u64,
        /// What is wrong.
        detail: String,
    },
    /// The checkpoint is refused.
    #[error("commit {sequence}: {error}")]
    Checkpoint {
        /// Number of the commit.
        sequence: u64,
        /// Why.
        error: CheckpointError,
    },
    /// What the commit states is not what follows.
    #[error("commit {sequence}: {what} mismatch: expected {expected}, the commit says {found}")]
    Mismatch {
        /// Number of the commit.
        sequence: u64,
        /// Which value.
        what: &'static str,
        /// What follows from the log before it.
        expected: String,
        /// What the commit states.
        found: String,
    },
    /// An entry is refused.
    #[error("log entry {index}: {error}")]
    Entry {
        /// Number of the entry in the log.
        index: u64,
        /// Why.
        error: ManifestError,
    },
    /// An entry does not continue the log, or the chain of its partition.
    #[error("log entry {index}: {what} mismatch: expected {expected}, the manifest says {found}")]
    Chain {
        /// Number of the entry in the log.
        index: u64,
        /// Which value.
        what: &'static str,
        /// What continues the chain.
        expected: String,
        /// What the manifest states.
        found: String,
    },
}

/// What a commit added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Number of the commit.
    pub sequence: u64,
    /// Size of the log before.
    pub old_size: u64,
    /// Size of the log after.
    pub new_size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The entries with their leaf hashes and manifests.
    pub entries: Vec<AppliedEntry>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedEntry {
    /// Number of the entry in the log.
    pub index: u64,
    /// The envelope.
    pub envelope: String,
    /// Leaf hash of the envelope.
    pub leaf: Hash,
    /// What it says.
    pub opened: OpenedManifest,
}

/// An object that follows from the commits and can be written again at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedObject {
    /// Path in the archive.
    pub path: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// A commit that is ready to be created at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Number of the commit.
    pub sequence: u64,
    /// Path of the object.
    pub path: String,
    /// Bytes of the object.
    pub bytes: Vec<u8>,
}

/// The log up to some commit, verified; memory grows with the partitions, not with the log.
#[derive(Debug, Clone)]
pub struct LogState {
    origin: String,
    next_sequence: u64,
    checkpoint: String,
    frontier: Frontier,
    heads: BTreeMap<TopicPartition, Head>,
    tiles: Tiles,
}

impl LogState {
    /// The first commit of a new log, whose origin is the name of the key: an empty log.
    #[must_use]
    pub fn genesis(key: &SigningKey) -> Planned {
        let origin = key.name().to_owned();
        let checkpoint = Checkpoint { origin, size: 0, root: Frontier::new().root() };
        planned(&Commit {
            sequence: 0,
            previous_size: 0,
            checkpoint: checkpoint.sign(key),
            entries: Vec::new(),
        })
    }

    /// Opens a log from the bytes of its first commit.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub fn open(genesis: &[u8], keys: &[VerifyingKey]) -> Result<Self, LogError> {
        let commit = Commit::parse(0, genesis)?;
        let checkpoint = open_checkpoint(&commit, keys)?;
        let mut state = Self {
            origin: checkpoint.origin,
            next_sequence: 0,
            checkpoint: String::new(),
            frontier: Frontier::new(),
            heads: BTreeMap::new(),
            tiles: Tiles::default(),
        };
        expect(0, "number of entries", &0, &commit.entries.len())?;
        state.apply(0, genesis, keys)?;
        Ok(state)
    }

    /// Verifies and adds the next commit; the state is as before if it is refused.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub fn apply(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<Applied, LogError> {
        self.verify_and_add(sequence, bytes, keys, None)
    }

    /// As [`Self::apply`], and gives the objects that follow: entry bundles, tiles, and last the
    /// checkpoint.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub fn apply_and_derive(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<(Applied, Vec<DerivedObject>), LogError> {
        let mut objects = Vec::new();
        let applied = self.verify_and_add(sequence, bytes, keys, Some(&mut objects))?;
        self.tiles.partial(applied.old_size, &mut objects);
        objects.push(DerivedObject {
            path: layout::CHECKPOINT.to_owned(),
            bytes: applied.checkpoint.clone().into_bytes(),
        });
        Ok((applied, objects))
    }

    fn verify_and_add(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        keys: &[VerifyingKey],
        mut objects: Option<&mut Vec<DerivedObject>>,
    ) -> Result<Applied, LogError> {
        expect(sequence, "number", &self.next_sequence, &sequence)?;
        let commit = Commit::parse(sequence, bytes)?;
        let old_size = self.frontier.size();
        expect(sequence, "size before", &old_size, &commit.previous_size)?;
        let checkpoint = open_checkpoint(&commit, keys)?;
        expect(sequence, "origin", &self.origin, &checkpoint.origin)?;
        let mut frontier = self.frontier.clone();
        let mut heads = BTreeMap::new();
        let mut entries = Vec::with_capacity(commit.entries.len());
        for (index, envelope) in (old_size..).zip(commit.entries) {
            let opened = Manifest::open(envelope.as_bytes(), keys)
                .map_err(|error| LogError::Entry { index, error })?;
            self.follow(&mut heads, index, &opened)?;
            let leaf = hash::leaf(envelope.as_bytes());
            frontier.append(leaf);
            entries.push(AppliedEntry { index, envelope, leaf, opened });
        }
        expect(sequence, "size", &frontier.size(), &checkpoint.size)?;
        let root = hash::to_hex(&frontier.root());
        expect(sequence, "root", &root, &hash::to_hex(&checkpoint.root))?;
        // Everything holds: from here on nothing fails.
        for entry in &entries {
            self.tiles.append(entry.leaf, &entry.envelope, objects.as_deref_mut());
        }
        self.frontier = frontier;
        self.heads.append(&mut heads);
        self.next_sequence = self.next_sequence.saturating_add(1);
        self.checkpoint.clone_from(&commit.checkpoint);
        let new_size = self.frontier.size();
        Ok(Applied { sequence, old_size, new_size, checkpoint: commit.checkpoint, entries })
    }

    /// Checks that a manifest continues the chain of its partition, and makes it the new end in
    /// `heads`, which lie over those of the state.
    fn follow(
        &self,
        heads: &mut BTreeMap<TopicPartition, Head>,
        index: u64,
        opened: &OpenedManifest,
    ) -> Result<(), LogError> {
        let (manifest, facts) = (&opened.manifest, &opened.manifest.facts);
        let hex = |digest: Option<&Hash>| digest.map_or_else(|| "none".to_owned(), hash::to_hex);
        let differs = |what, expected: String, found: String| {
            if expected == found {
                Ok(())
            } else {
                Err(LogError::Chain { index, what, expected, found })
            }
        };
        differs("log", self.origin.clone(), manifest.log.clone())?;
        let head = heads.get(&facts.partition).or_else(|| self.heads.get(&facts.partition));
        let expected = head.map_or(0, |head| head.next_sequence);
        differs("sequence", expected.to_string(), manifest.sequence.to_string())?;
        let expected = head.map(|head| &head.manifest);
        differs("previous manifest", hex(expected), hex(manifest.previous.as_ref()))?;
        if let Some(head) = head {
            // A topic that was deleted and created again is another topic: its offsets restart.
            differs("topic id", head.topic_id.clone(), manifest.topic_id.clone())?;
            let (expected, found) = (head.next_offset, facts.first_offset);
            differs("first offset", expected.to_string(), found.to_string())?;
        }
        let head = Head {
            topic_id: manifest.topic_id.clone(),
            next_offset: facts.next_offset,
            manifest: opened.digest,
            next_sequence: manifest.sequence.saturating_add(1),
        };
        heads.insert(facts.partition.clone(), head);
        Ok(())
    }

    /// The next commit with these entries (signed manifests), which must continue the chains of
    /// their partitions. Signatures are checked when the commit is applied.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub fn plan(&self, entries: Vec<String>, key: &SigningKey) -> Result<Planned, LogError> {
        let sequence = self.next_sequence;
        expect(sequence, "origin", &self.origin.as_str(), &key.name())?;
        if entries.len() > ENTRIES_MAX {
            let detail = format!("{} entries are more than {ENTRIES_MAX}", entries.len());
            return Err(LogError::Form { sequence, detail });
        }
        let previous_size = self.frontier.size();
        let mut frontier = self.frontier.clone();
        let mut heads = BTreeMap::new();
        for (index, envelope) in (previous_size..).zip(&entries) {
            let opened = Manifest::peek(envelope.as_bytes())
                .map_err(|error| LogError::Entry { index, error })?;
            self.follow(&mut heads, index, &opened)?;
            frontier.append(hash::leaf(envelope.as_bytes()));
        }
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: frontier.size(),
            root: frontier.root(),
        };
        let checkpoint = checkpoint.sign(key);
        Ok(planned(&Commit { sequence, previous_size, checkpoint, entries }))
    }

    /// Origin: name of the log and of its key.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of the commit that comes next.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of the tree over the entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The signed checkpoint of the last commit.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Ends of the chains.
    #[must_use]
    pub const fn heads(&self) -> &BTreeMap<TopicPartition, Head> {
        &self.heads
    }

    /// End of the chain of a partition.
    #[must_use]
    pub fn head(&self, partition: &TopicPartition) -> Option<&Head> {
        self.heads.get(partition)
    }
}

fn planned(commit: &Commit) -> Planned {
    Planned {
        sequence: commit.sequence,
        path: layout::commit(commit.sequence),
        bytes: commit.to_bytes(),
    }
}

fn open_checkpoint(commit: &Commit, keys: &[VerifyingKey]) -> Result<Checkpoint, LogError> {
    Checkpoint::open(&commit.checkpoint, keys)
        .map_err(|error| LogError::Checkpoint { sequence: commit.sequence, error })
}

fn expect<V: PartialEq + ToString>(
    sequence: u64,
    what: &'static str,
    expected: &V,
    found: &V,
) -> Result<(), LogError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(LogError::Mismatch { sequence, what, expected, found })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::example;
