//! The log as a state machine: commit objects in, verified state out.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::TopicPartition;
use merkle::checkpoint::Checkpoint;
use merkle::note::{SigningKey, VerifyingKey};
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash};
use thiserror::Error;

use super::commit::{Commit, ENTRIES_MAX};
use super::ends::{ChainEnd, Ends};
use super::error::CommitError;
use super::head::{Head, HeadError};
use super::key::LogKey;
use super::tiles::{DerivedObject, Tiles};
use crate::layout;
use crate::manifest::{
    HeadRef, Installation, InstallationManifest, Manifest, ManifestError, OpenedManifest, SignerUse,
};

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

/// Why a log cannot be resumed at a head.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResumeError {
    /// The head, its commit, or the first commit is refused.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A tile at the edge of the tree is not what the head says.
    #[error("`{0}` differs from what the head of the log says")]
    Tile(String),
}

/// The log up to some commit, verified; memory grows with the partitions, not with the log.
#[derive(Debug, Clone)]
pub struct LogState {
    installation: InstallationManifest,
    next_sequence: u64,
    checkpoint: String,
    /// SHA-256 of the last commit object.
    commit: Option<Hash>,
    /// The head of the last commit, as manifests name it.
    reference: Option<HeadRef>,
    frontier: Frontier,
    ends: BTreeMap<TopicPartition, ChainEnd>,
    tiles: Tiles,
    /// The keys that entries accepted.
    keys: Vec<LogKey>,
}

impl LogState {
    /// The first commit of a new log, whose origin is the name of the key. Its only entry, which the
    /// sealer's key signs, says whose log it is.
    ///
    /// # Errors
    ///
    /// [`ManifestError::TooLarge`] if it names too many topics; `Form` if it contradicts itself.
    pub fn genesis(
        key: &SigningKey,
        sealer: &SigningKey,
        installation: Installation,
        program: &str,
    ) -> Result<Planned, ManifestError> {
        installation.check().map_err(|detail| ManifestError::Form(detail.to_owned()))?;
        let first = InstallationManifest::new(&key.verifier(), installation, program);
        let entry = Manifest::Installation(first).sign(sealer)?;
        let mut frontier = Frontier::new();
        frontier.append(hash::leaf(entry.as_bytes()));
        let checkpoint = signed_checkpoint(key.name(), &frontier, key);
        let entries = vec![entry];
        Ok(planned(&Commit { sequence: 0, previous_size: 0, checkpoint, entries }))
    }

    /// Opens a log from the bytes of its first commit.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn open(genesis: &[u8], keys: &[VerifyingKey]) -> Result<Self, CommitError> {
        let mut state = Self::before(genesis)?;
        state.apply(0, genesis, keys)?;
        Ok(state)
    }

    /// As [`Self::open`], and gives the objects that follow.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn open_and_derive(
        genesis: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<(Self, Vec<DerivedObject>), CommitError> {
        let mut state = Self::before(genesis)?;
        let (_, derived) = state.apply_and_derive(0, genesis, keys)?;
        Ok((state, derived))
    }

    /// Paths of the objects that [`Self::resume`] takes besides head and commit, for a log of that
    /// size: the unfinished entry bundle and tiles.
    #[must_use]
    pub fn edge(size: u64) -> Vec<String> {
        Tiles::edge(size)
    }

    /// The state after the commit of a head: as if every commit had been read up to it, as far as
    /// the log's key says. `edge` are the objects of [`Self::edge`], in their order.
    ///
    /// # Errors
    ///
    /// See [`ResumeError`]; then another head, or none, is to be used.
    pub fn resume(
        genesis: &[u8],
        head: &Head,
        commit: &[u8],
        edge: &[Bytes],
        keys: &[VerifyingKey],
    ) -> Result<Self, ResumeError> {
        let first = Self::open(genesis, keys).map_err(HeadError::from)?;
        expect(head.sequence, "origin", &first.installation.log, &head.origin)
            .map_err(HeadError::from)?;
        let commit = head.check(head.sequence, commit, keys)?;
        let tiles = Tiles::resume(&head.frontier, edge).map_err(ResumeError::Tile)?;
        let full = CommitError::Full { sequence: head.sequence };
        Ok(Self {
            installation: first.installation,
            next_sequence: head.sequence.checked_add(1).ok_or(full).map_err(HeadError::from)?,
            checkpoint: commit.checkpoint,
            commit: Some(head.commit),
            reference: Some(head.reference()),
            frontier: head.frontier.clone(),
            ends: head.ends.clone(),
            tiles,
            keys: head.keys.clone(),
        })
    }

    /// The head of the last commit; `None` before the first.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        Some(Head {
            origin: self.origin().to_owned(),
            sequence: self.next_sequence.checked_sub(1)?,
            commit: self.commit?,
            frontier: self.frontier.clone(),
            ends: self.ends.clone(),
            keys: self.keys.clone(),
        })
    }

    /// The head of the last commit as the manifests of the next one must name it; `None` before the
    /// first.
    #[must_use]
    pub const fn reference(&self) -> Option<HeadRef> {
        self.reference
    }

    /// The state before the first commit, with what that one says of the log, unverified.
    fn before(genesis: &[u8]) -> Result<Self, CommitError> {
        let commit = Commit::parse(0, genesis)?;
        let [entry] = commit.entries.as_slice() else {
            expect(0, "number of entries", &1, &commit.entries.len())?;
            return Err(CommitError::Form { sequence: 0, detail: "it has no entry".to_owned() });
        };
        let opened = Manifest::peek(entry.as_bytes())
            .map_err(|error| CommitError::Entry { index: 0, error })?;
        let Manifest::Installation(installation) = opened.manifest else {
            return Err(CommitError::Chain {
                index: 0,
                what: "kind",
                expected: "installation".to_owned(),
                found: opened.manifest.kind().to_owned(),
            });
        };
        Ok(Self {
            installation,
            next_sequence: 0,
            checkpoint: String::new(),
            commit: None,
            reference: None,
            frontier: Frontier::new(),
            ends: BTreeMap::new(),
            tiles: Tiles::default(),
            keys: Vec::new(),
        })
    }

    /// Verifies and adds the next commit; the state is as before if it is refused. `keys` are those of
    /// logs and sealers that are believed; sealers that an earlier entry accepted are believed too.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn apply(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<Applied, CommitError> {
        self.verify_and_add(sequence, bytes, keys, None)
    }

    /// As [`Self::apply`], and gives the objects that follow: entry bundles, tiles, and last the
    /// checkpoint.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn apply_and_derive(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<(Applied, Vec<DerivedObject>), CommitError> {
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
    ) -> Result<Applied, CommitError> {
        expect(sequence, "number", &self.next_sequence, &sequence)?;
        let commit = Commit::parse(sequence, bytes)?;
        let old_size = self.frontier.size();
        expect(sequence, "size before", &old_size, &commit.previous_size)?;
        let checkpoint = Checkpoint::open(&commit.checkpoint, keys)
            .map_err(|error| CommitError::Checkpoint { sequence, error })?;
        expect(sequence, "origin", &self.installation.log, &checkpoint.origin)?;
        let mut frontier = self.frontier.clone();
        let mut ends = self.ends_of(sequence);
        let mut entries = Vec::with_capacity(commit.entries.len());
        let mut accepted = self.keys.clone();
        let mut believed = keys.to_vec();
        let sealers = self.keys.iter().filter(|key| key.used_for == SignerUse::Sealer);
        believed.extend(sealers.map(|key| key.key.clone()));
        for (index, envelope) in (old_size..).zip(commit.entries) {
            let opened = Manifest::open(envelope.as_bytes(), &believed)
                .map_err(|error| CommitError::Entry { index, error })?;
            ends.follow(index, &opened)?;
            if let Some(key) = LogKey::of(index, &opened.manifest) {
                key.check_name(believed.iter().chain(accepted.iter().map(|other| &other.key)))?;
                if key.used_for == SignerUse::Sealer {
                    believed.push(key.key.clone());
                }
                accepted.push(key);
            }
            let leaf = hash::leaf(envelope.as_bytes());
            frontier.append(leaf);
            entries.push(AppliedEntry { index, envelope, leaf, opened });
        }
        expect(sequence, "size", &frontier.size(), &checkpoint.size)?;
        let root = hash::to_hex(&frontier.root());
        expect(sequence, "root", &root, &hash::to_hex(&checkpoint.root))?;
        let next_sequence = sequence.checked_add(1).ok_or(CommitError::Full { sequence })?;
        let mut new = ends.new;
        // Everything holds: from here on nothing fails.
        for entry in &entries {
            self.tiles.append(entry.leaf, &entry.envelope, objects.as_deref_mut());
        }
        self.commit = Some(hash::sha256(bytes));
        self.frontier = frontier;
        self.ends.append(&mut new);
        self.keys = accepted;
        self.next_sequence = next_sequence;
        self.checkpoint.clone_from(&commit.checkpoint);
        self.reference = self.head().map(|head| head.reference());
        let new_size = self.frontier.size();
        Ok(Applied { sequence, old_size, new_size, checkpoint: commit.checkpoint, entries })
    }

    const fn ends_of(&self, commit: u64) -> Ends<'_> {
        Ends {
            origin: self.installation.log.as_str(),
            cluster: self.installation.installation.cluster.as_str(),
            commit,
            head: self.reference,
            verified: &self.ends,
            new: BTreeMap::new(),
        }
    }

    /// The next commit with these entries (signed manifests), which must continue the chains of
    /// their partitions. Signatures are checked when the commit is applied.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn plan(&self, entries: Vec<String>, key: &SigningKey) -> Result<Planned, CommitError> {
        let sequence = self.next_sequence;
        expect(sequence, "origin", &self.origin(), &key.name())?;
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            let detail = format!("{} entries are not 1 to {ENTRIES_MAX}", entries.len());
            return Err(CommitError::Form { sequence, detail });
        }
        let previous_size = self.frontier.size();
        let mut frontier = self.frontier.clone();
        let mut ends = self.ends_of(sequence);
        for (index, envelope) in (previous_size..).zip(&entries) {
            let opened = Manifest::peek(envelope.as_bytes())
                .map_err(|error| CommitError::Entry { index, error })?;
            ends.follow(index, &opened)?;
            if let Some(key) = LogKey::of(index, &opened.manifest) {
                key.check_name(self.keys.iter().map(|other| &other.key))?;
            }
            frontier.append(hash::leaf(envelope.as_bytes()));
        }
        let checkpoint = signed_checkpoint(self.origin(), &frontier, key);
        Ok(planned(&Commit { sequence, previous_size, checkpoint, entries }))
    }

    /// Origin: name of the log and of its key.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.installation.log
    }

    /// Whose log it is: its first entry.
    #[must_use]
    pub const fn installation(&self) -> &Installation {
        &self.installation.installation
    }

    /// The keys that entries accepted, in the order of the log.
    #[must_use]
    pub fn accepted(&self) -> &[LogKey] {
        &self.keys
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
    pub const fn ends(&self) -> &BTreeMap<TopicPartition, ChainEnd> {
        &self.ends
    }

    /// End of the chain of a partition.
    #[must_use]
    pub fn end(&self, partition: &TopicPartition) -> Option<&ChainEnd> {
        self.ends.get(partition)
    }
}

fn signed_checkpoint(origin: &str, frontier: &Frontier, key: &SigningKey) -> String {
    let (size, root) = (frontier.size(), frontier.root());
    Checkpoint { origin: origin.to_owned(), size, root }.sign(key)
}

fn planned(commit: &Commit) -> Planned {
    Planned {
        sequence: commit.sequence,
        path: layout::commit(commit.sequence),
        bytes: commit.to_bytes(),
    }
}

fn expect<V: PartialEq + ToString>(
    sequence: u64,
    what: &'static str,
    expected: &V,
    found: &V,
) -> Result<(), CommitError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(CommitError::Mismatch { sequence, what, expected, found })
}
