//! Heads: signed summaries of the log after a commit, so that nobody has to read what came before.
//!
//! A head follows from the commits. It is an index and a place to start from, not evidence: it is
//! used only after its signature and its commit were checked, and without it everything is found
//! from the commits alone.

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::checkpoint::{Checkpoint, CheckpointError};
use merkle::dsse::{self, DsseError};
use merkle::note::{SigningKey, VerifyingKey};
use merkle::rfc6962::Frontier;
use merkle::{Hash, hash};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::commit::Commit;
use super::ends::ChainEnd;
use super::error::CommitError;
use super::key::LogKey;
use crate::manifest::{HeadRef, SignerUse};

/// Format name in heads.
pub const HEAD_FORMAT: &str = "driftseal/head/v1";

/// Payload type of the envelope of a head.
pub const HEAD_PAYLOAD_TYPE: &str = "application/vnd.driftseal.head+json";

/// The log after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Origin of the log.
    pub origin: String,
    /// Number of the commit.
    pub sequence: u64,
    /// SHA-256 of the commit object.
    pub commit: Hash,
    /// Right edge of the tree over all entries.
    pub frontier: Frontier,
    /// End of the chain of each partition.
    pub ends: BTreeMap<TopicPartition, ChainEnd>,
    /// The keys that entries accepted, in the order of the log.
    pub keys: Vec<LogKey>,
}

/// Why a head is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeadError {
    /// The envelope is refused, or not signed by a known key.
    #[error("head: {0}")]
    Envelope(DsseError),
    /// Not a head in its exact form.
    #[error("not a head: {0}")]
    Form(String),
    /// It is not of the commit beside it.
    #[error("the head is not of commit {sequence}: another {what}")]
    Commit {
        /// Number of the commit.
        sequence: u64,
        /// What differs.
        what: &'static str,
    },
    /// The commit beside it is refused.
    #[error(transparent)]
    Refused(#[from] CommitError),
    /// The checkpoint in the commit is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    commit: String,
    edge: Vec<String>,
    format: String,
    keys: Vec<KeyRow>,
    origin: String,
    partitions: Vec<Row>,
    root: String,
    sequence: String,
    size: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Row {
    commit: String,
    disorder_ms: String,
    last_record: String,
    manifest: String,
    max_timestamp_ms: String,
    next_offset: String,
    next_sequence: String,
    partition: i32,
    topic: String,
    topic_id: String,
    writer_schemas: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    entry: String,
    key: String,
    #[serde(rename = "use")]
    used_for: SignerUse,
}

impl Head {
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

    /// Number of entries that are no segments.
    ///
    /// `None` if the chains have more segments than the log has entries: no such log exists.
    #[must_use]
    pub fn other_entries(&self) -> Option<u64> {
        self.ends.values().try_fold(self.size(), |left, end| left.checked_sub(end.next_sequence))
    }

    /// How manifests name it.
    #[must_use]
    pub fn reference(&self) -> HeadRef {
        HeadRef { sequence: self.sequence, sha256: hash::sha256(&self.to_bytes()) }
    }

    /// The object: the head in its signed envelope. The key must be that of the log.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        dsse::sign(HEAD_PAYLOAD_TYPE, &self.to_bytes(), key).into_bytes()
    }

    /// The payload of the envelope.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts and small numbers always have a JSON form")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let rows = self.ends.iter().map(|(partition, end)| Row {
            commit: end.commit.to_string(),
            disorder_ms: end.disorder_ms.to_string(),
            last_record: hash::to_hex(&end.last_record),
            manifest: hash::to_hex(&end.manifest),
            max_timestamp_ms: end.max_timestamp_ms.to_string(),
            next_offset: end.next_offset.to_string(),
            next_sequence: end.next_sequence.to_string(),
            partition: partition.partition,
            topic: partition.topic.to_string(),
            topic_id: end.topic_id.clone(),
            writer_schemas: end.writer_schemas.as_ref().map(hash::to_hex),
        });
        let keys = self.keys.iter().map(|accepted| KeyRow {
            entry: accepted.entry.to_string(),
            key: accepted.key.to_vkey(),
            used_for: accepted.used_for,
        });
        let document = Document {
            commit: hash::to_hex(&self.commit),
            edge: self.frontier.subtrees().iter().map(hash::to_hex).collect(),
            format: HEAD_FORMAT.to_owned(),
            keys: keys.collect(),
            origin: self.origin.clone(),
            partitions: rows.collect(),
            root: hash::to_hex(&self.root()),
            sequence: self.sequence.to_string(),
            size: self.size().to_string(),
        };
        serde_json_canonicalizer::to_vec(&document).expect("a head has a JSON form")
    }

    /// Opens the object of a commit's head: it must be signed by the key of its origin, and be in
    /// its exact form. Whether it is of the commit, [`Self::check`] tells.
    ///
    /// # Errors
    ///
    /// See [`HeadError`].
    pub fn open(object: &[u8], keys: &[VerifyingKey]) -> Result<Self, HeadError> {
        let opened = dsse::open(object, keys).map_err(HeadError::Envelope)?;
        if opened.payload_type != HEAD_PAYLOAD_TYPE {
            let found = opened.payload_type;
            return Err(HeadError::Form(format!("its payload type is `{found}`")));
        }
        let head = Self::parse(&opened.payload)?;
        let signer = opened.key_id.rsplit_once('+').map_or("", |(name, _)| name);
        if signer != head.origin {
            return Err(HeadError::Form(format!("it is signed by `{signer}`")));
        }
        Ok(head)
    }

    /// Reads a payload; only its exact form is accepted. Nothing is verified.
    ///
    /// # Errors
    ///
    /// [`HeadError::Form`].
    pub fn parse(payload: &[u8]) -> Result<Self, HeadError> {
        let form = |detail: &str| HeadError::Form(detail.to_owned());
        let document: Document =
            serde_json::from_slice(payload).map_err(|error| HeadError::Form(error.to_string()))?;
        if document.format != HEAD_FORMAT {
            return Err(HeadError::Form(format!("its format is `{}`", document.format)));
        }
        let edge: Result<Vec<Hash>, _> = document.edge.iter().map(|text| digest(text)).collect();
        let frontier = Frontier::from_subtrees(number(&document.size)?, edge?)
            .ok_or_else(|| form("its edge is not of its size"))?;
        let mut ends = BTreeMap::new();
        for row in &document.partitions {
            let end = ChainEnd {
                topic_id: row.topic_id.clone(),
                next_offset: number(&row.next_offset)?,
                manifest: digest(&row.manifest)?,
                next_sequence: number(&row.next_sequence)?,
                commit: number(&row.commit)?,
                max_timestamp_ms: number(&row.max_timestamp_ms)?,
                disorder_ms: number(&row.disorder_ms)?,
                last_record: digest(&row.last_record)?,
                writer_schemas: row.writer_schemas.as_deref().map(digest).transpose()?,
            };
            ends.insert(TopicPartition::new(row.topic.as_str(), row.partition), end);
        }
        let key = |row: KeyRow| {
            let key = VerifyingKey::parse(&row.key)
                .map_err(|error| HeadError::Form(error.to_string()))?;
            Ok(LogKey { entry: number(&row.entry)?, used_for: row.used_for, key })
        };
        let keys: Result<Vec<LogKey>, HeadError> = document.keys.into_iter().map(key).collect();
        let keys = keys?;
        if !keys.is_sorted_by(|one, next| one.entry < next.entry) {
            return Err(form("its keys do not ascend"));
        }
        let head = Self {
            origin: document.origin,
            sequence: number(&document.sequence)?,
            commit: digest(&document.commit)?,
            frontier,
            ends,
            keys,
        };
        // Also refuses a root that does not follow from the edge, and partitions out of order.
        if head.to_bytes() == payload {
            Ok(head)
        } else {
            Err(form("it is not in its canonical form"))
        }
    }

    /// Checks that the head is of the commit with this number, and that the checkpoint of the log's
    /// key in it vouches for the same tree. Gives the commit.
    ///
    /// # Errors
    ///
    /// See [`HeadError`].
    pub fn check(
        &self,
        sequence: u64,
        commit: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<Commit, HeadError> {
        let differs = |what| HeadError::Commit { sequence, what };
        if self.sequence != sequence {
            return Err(differs("number"));
        }
        if self.commit != hash::sha256(commit) {
            return Err(differs("digest"));
        }
        let commit = Commit::parse(sequence, commit)?;
        let checkpoint = Checkpoint::open(&commit.checkpoint, keys)?;
        if (checkpoint.origin.as_str(), checkpoint.size) != (self.origin.as_str(), self.size()) {
            return Err(differs("origin or size"));
        }
        if checkpoint.root != self.root() {
            return Err(differs("root"));
        }
        Ok(commit)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, HeadError> {
    text.parse().map_err(|_| HeadError::Form(format!("`{text}` is not a number in its range")))
}

fn digest(text: &str) -> Result<Hash, HeadError> {
    hash::from_hex(text).ok_or_else(|| HeadError::Form(format!("`{text}` is not a SHA-256")))
}
