//! Leaves of the rows of a partition.

use std::collections::BTreeMap;

use event::{Event, TimestampType, TopicPartition};
use merkle::Hash;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::cell::{TooLong, coded, commitment, put_cell, put_commitment, put_short};
use super::salt::Salts;

/// First line of the preimage of a leaf.
pub const LEAF_FORMAT: &str = "driftseal/leaf/v1";

/// Where a record stands, and the digest of its bytes: the head of its leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Offset.
    pub offset: i64,
    /// Timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// How the record was decoded ([`event::Decoded::schema_id`]).
    pub schema_id: &'a str,
    /// Salted digest of key, value and headers ([`Salts::record_digest`]).
    pub record_digest: Hash,
}

/// What hides the erasable fields of a row.
#[derive(Debug, Clone, Copy)]
pub enum Secrets<'a> {
    /// A row as it was sealed: every salt follows from the row's.
    Whole(&'a Salts),
    /// A row of which fields were erased.
    Erased {
        /// Commitments of the erased fields, by path.
        commitments: &'a [(&'a str, Hash)],
        /// Salts of the other erasable fields that have a value, by path.
        salts: &'a [(&'a str, Hash)],
    },
}

/// Why a row has no leaf.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LeafError {
    /// An erasable field has a value but no salt, or a salt but no value.
    #[error("field `{0}` has a value without a salt, or a salt without a value")]
    Salt(String),
    /// A commitment of a field that cannot be erased, or that still has a value.
    #[error("field `{0}` has a commitment, but cannot be erased or still has a value")]
    Commitment(String),
    /// A path repeats.
    #[error("field `{0}` is named twice")]
    Twice(String),
    /// Nothing was erased.
    #[error("the row has no salt, yet nothing was erased")]
    Nothing,
    /// Topic, schema id or a value is longer than the format can tell.
    #[error("topic, schema id or a value is too long for a leaf")]
    TooLong,
}

impl From<TooLong> for LeafError {
    fn from(TooLong: TooLong) -> Self {
        Self::TooLong
    }
}

/// Hashes the rows of one partition.
#[derive(Debug, Clone)]
pub struct LeafHasher {
    /// `00`, format, topic, partition. With a topic that is too long no row has a leaf.
    prefix: Result<Vec<u8>, TooLong>,
    preimage: Vec<u8>,
    cells: Vec<u8>,
    commitments: Vec<u8>,
    field: Vec<u8>,
}

impl LeafHasher {
    /// For a partition.
    #[must_use]
    pub fn new(partition: &TopicPartition) -> Self {
        Self {
            prefix: prefix(partition),
            preimage: Vec::new(),
            cells: Vec::new(),
            commitments: Vec::new(),
            field: Vec::new(),
        }
    }

    /// The leaf of a row.
    ///
    /// # Errors
    ///
    /// See [`LeafError`]; for [`Secrets::Whole`] only [`LeafError::TooLong`].
    pub fn leaf(
        &mut self,
        head: &Head<'_>,
        event: &Event<'_>,
        secrets: Secrets<'_>,
    ) -> Result<Hash, LeafError> {
        self.cells.clear();
        self.commitments.clear();
        let (plain, erasable) = match secrets {
            Secrets::Whole(salts) => self.whole(event, salts)?,
            Secrets::Erased { commitments, salts } => self.erased(event, commitments, salts)?,
        };
        let preimage = &mut self.preimage;
        preimage.clear();
        preimage.extend_from_slice(self.prefix.as_ref().map_err(|too_long| *too_long)?);
        preimage.extend_from_slice(&head.offset.to_be_bytes());
        preimage.extend_from_slice(&head.timestamp_ms.to_be_bytes());
        preimage.push(head.timestamp_type as u8);
        put_short(head.schema_id.as_bytes(), preimage)?;
        preimage.extend_from_slice(&head.record_digest);
        preimage.extend_from_slice(&number(plain)?.to_be_bytes());
        preimage.extend_from_slice(&self.cells);
        preimage.extend_from_slice(&number(erasable)?.to_be_bytes());
        preimage.extend_from_slice(&self.commitments);
        Ok(Sha256::digest(preimage).into())
    }

    /// Fills the two lists; how many there are of each.
    fn whole(&mut self, event: &Event<'_>, salts: &Salts) -> Result<(usize, usize), TooLong> {
        let (mut plain, mut erasable) = (0, 0);
        for (code, cell) in coded(event) {
            if code.erasable {
                erasable += 1;
                let commitment = commitment(&mut self.field, code, cell, &salts.of(code.path))?;
                put_commitment(code.path, &commitment, &mut self.commitments)?;
            } else {
                plain += 1;
                put_cell(code, cell, &mut self.cells)?;
            }
        }
        Ok((plain, erasable))
    }

    fn erased(
        &mut self,
        event: &Event<'_>,
        commitments: &[(&str, Hash)],
        salts: &[(&str, Hash)],
    ) -> Result<(usize, usize), LeafError> {
        if commitments.is_empty() {
            return Err(LeafError::Nothing);
        }
        let mut all = BTreeMap::new();
        for (path, commitment) in commitments {
            let column = event::schema().id(path);
            let allowed = column
                .is_some_and(|id| event::schema().column(id).erasable && event.get(id).is_none());
            if !allowed {
                return Err(LeafError::Commitment((*path).to_owned()));
            }
            if all.insert(*path, *commitment).is_some() {
                return Err(LeafError::Twice((*path).to_owned()));
            }
        }
        let mut kept = BTreeMap::new();
        for (path, salt) in salts {
            if kept.insert(*path, *salt).is_some() {
                return Err(LeafError::Twice((*path).to_owned()));
            }
        }
        let mut plain = 0;
        for (code, cell) in coded(event) {
            if code.erasable {
                let salt =
                    kept.remove(code.path).ok_or_else(|| LeafError::Salt(code.path.to_owned()))?;
                all.insert(code.path, commitment(&mut self.field, code, cell, &salt)?);
            } else {
                plain += 1;
                put_cell(code, cell, &mut self.cells)?;
            }
        }
        if let Some((path, _)) = kept.first_key_value() {
            return Err(LeafError::Salt((*path).to_owned()));
        }
        for (path, commitment) in &all {
            put_commitment(path, commitment, &mut self.commitments)?;
        }
        Ok((plain, all.len()))
    }
}

fn prefix(partition: &TopicPartition) -> Result<Vec<u8>, TooLong> {
    let mut prefix = vec![0];
    prefix.extend_from_slice(LEAF_FORMAT.as_bytes());
    prefix.push(b'\n');
    put_short(partition.topic.as_bytes(), &mut prefix)?;
    prefix.extend_from_slice(&partition.partition.to_be_bytes());
    Ok(prefix)
}

/// A number of columns.
fn number(columns: usize) -> Result<u16, TooLong> {
    u16::try_from(columns).map_err(|_| TooLong)
}
