//! The log, read from its commit objects and judged by a policy.
//!
//! For whoever checks: every signature, the root over all entries, and the chains, with the place
//! and both values of what does not hold. Checkpoints must be signed by a key that the policy calls
//! a log's, manifests by one that it calls a sealer's or that an earlier entry accepted. Memory grows with the partitions, not with
//! the log.

use merkle::rfc6962::Frontier;
use merkle::{Hash, hash};

use crate::belief::Believed;
use crate::chain::Chains;
use crate::fault::{Distrust, Fault, expect_equal};
use crate::layout;
use crate::log::{Commit, Head, LogKey};
use crate::manifest::{HeadRef, OpenedManifest};
use crate::policy::Policy;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number of the entry in the log.
    pub index: u64,
    /// The envelope.
    pub envelope: String,
    /// Leaf hash of the envelope.
    pub leaf: Hash,
    /// What it says.
    pub opened: OpenedManifest,
}

/// Reads the commits of a log in order.
#[derive(Debug, Clone)]
pub struct Replay {
    believed: Believed,
    origin: Option<String>,
    next_sequence: u64,
    checkpoint: String,
    /// SHA-256 of the last commit object.
    commit: Option<Hash>,
    /// The head of the last commit, as manifests name it.
    reference: Option<HeadRef>,
    frontier: Frontier,
    chains: Chains,
    /// The keys that entries accepted, whether the policy has them or not.
    keys: Vec<LogKey>,
}

impl Replay {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            believed: Believed::new(policy),
            origin: None,
            next_sequence: 0,
            checkpoint: String::new(),
            commit: None,
            reference: None,
            frontier: Frontier::new(),
            chains: Chains::default(),
            keys: Vec::new(),
        }
    }

    /// Goes on behind the commit of a head, as if every commit up to it had been read, as far as the
    /// log's key says. `genesis` is the first commit; `believed` has accepted the keys that the head lists,
    /// each from its entry, opened like any.
    ///
    /// # Errors
    ///
    /// The first commit or the head does not hold, or cannot be judged.
    pub fn resume(
        believed: Believed,
        genesis: &[u8],
        head: &Head,
        commit: &[u8],
    ) -> Result<Self, Distrust> {
        let mut first = Self::new(believed.policy().clone());
        first.apply(genesis)?;
        let place = layout::head(head.sequence);
        expect_equal("log origin", &place, &first.origin(), &head.origin.as_str())?;
        let commit =
            head.check(head.sequence, commit, believed.policy().logs()).map_err(|error| {
                Fault::new("head", place.as_str(), "the head of the commit", error.to_string())
            })?;
        if let Some(key) = head.keys.iter().find(|key| !believed.knows(key.used_for, &key.key)) {
            let found = format!("`{}` of log entry {}", key.key.name(), key.entry);
            return Err(
                Fault::new("keys of the head", place, "keys that were accepted", found).into()
            );
        }
        let full = || Fault::new("head", place.as_str(), "a number with a successor", "none");
        let Some(installation) = first.chains.installation() else {
            return Err(Fault::new("head", place, "an installation", "none").into());
        };
        Ok(Self {
            chains: Chains::resume(installation, &head.ends),
            next_sequence: head.sequence.checked_add(1).ok_or_else(full)?,
            checkpoint: commit.checkpoint,
            commit: Some(head.commit),
            reference: Some(head.reference()),
            frontier: head.frontier.clone(),
            keys: head.keys.clone(),
            believed,
            origin: first.origin,
        })
    }

    /// Reads the next commit. After an error the log is not known any further: read no more.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold, or why it cannot be judged.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Vec<Entry>, Distrust> {
        let place = layout::commit(self.next_sequence);
        let commit = Commit::parse(self.next_sequence, bytes).map_err(|error| {
            Fault::new("commit form", place.as_str(), "a commit object", error.to_string())
        })?;
        let old_size = self.frontier.size();
        expect_equal("commit continues the log", &place, &old_size, &commit.previous_size)?;
        let checkpoint = self.believed.policy().open_checkpoint(&place, &commit.checkpoint)?;
        let origin = self.origin.get_or_insert_with(|| checkpoint.origin.clone());
        expect_equal("log origin", &place, origin, &checkpoint.origin)?;
        let leaves: Vec<_> =
            commit.entries.iter().map(|entry| hash::leaf(entry.as_bytes())).collect();
        let mut frontier = self.frontier.clone();
        for leaf in &leaves {
            frontier.append(*leaf);
        }
        expect_equal("log size", &place, &checkpoint.size, &frontier.size())?;
        expect_equal(
            "log root",
            &place,
            &hash::to_hex(&checkpoint.root),
            &hash::to_hex(&frontier.root()),
        )?;
        let mut entries = Vec::with_capacity(leaves.len());
        for ((index, leaf), envelope) in (old_size..).zip(leaves).zip(commit.entries) {
            let place = format!("log entry {index} in {place}");
            let opened = self.believed.open_entry(&place, index, envelope.as_bytes())?;
            let head = self.reference.as_ref();
            self.chains.extend(&place, origin, self.next_sequence, head, &opened)?;
            self.believed.accept(&place, index, &opened)?;
            self.keys.extend(LogKey::of(index, &opened.manifest));
            entries.push(Entry { index, envelope, leaf, opened });
        }
        self.frontier = frontier;
        self.checkpoint = commit.checkpoint;
        self.commit = Some(hash::sha256(bytes));
        let full = || Fault::new("commit number", place, "a number with a successor", "none");
        self.next_sequence = self.next_sequence.checked_add(1).ok_or_else(full)?;
        self.reference = self.head().map(|head| head.reference());
        Ok(entries)
    }

    /// Number of the commit that comes next.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Origin of the log; empty before the first commit.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_deref().unwrap_or_default()
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

    /// The signed checkpoint of the last commit; empty before the first.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The head that belongs to the last commit; `None` before the first.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let chains = self.chains.all().iter();
        Some(Head {
            origin: self.origin.clone()?,
            sequence: self.next_sequence.checked_sub(1)?,
            commit: self.commit?,
            frontier: self.frontier.clone(),
            ends: chains.map(|(partition, chain)| (partition.clone(), chain.end())).collect(),
            keys: self.keys.clone(),
        })
    }

    /// The chains of the partitions.
    #[must_use]
    pub const fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The policy it judges by.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        self.believed.policy()
    }

    /// Whom it believes: the policy, and the keys that the log accepted so far.
    #[must_use]
    pub const fn believed(&self) -> &Believed {
        &self.believed
    }
}
