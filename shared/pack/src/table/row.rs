//! A row of a file: a record with its event, and what its leaf needs.

use event::{Event, TimestampType};
use merkle::Hash;
use segment::leaf::{Head, LeafHasher, RowSalt, Salts, Secrets};

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRow<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) schema_id: &'a str,
    pub(crate) record_digest: Hash,
    /// `None` where a value is missing that the leaf commits to.
    pub(crate) salt: Option<RowSalt>,
    pub(crate) event: Event<'a>,
    /// Commitments of the values that are missing, by path.
    pub(crate) commitments: Vec<(&'a str, Hash)>,
    /// Salts of the others that can be erased, by path.
    pub(crate) kept_salts: Vec<(&'a str, Hash)>,
}

impl StoredRow<'_> {
    /// The leaf of the row.
    pub(crate) fn leaf(&self, hasher: &mut LeafHasher) -> Result<Hash, String> {
        let head = Head {
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            timestamp_type: self.timestamp_type,
            schema_id: self.schema_id,
            record_digest: self.record_digest,
        };
        let leaf = match &self.salt {
            Some(_) if !self.commitments.is_empty() || !self.kept_salts.is_empty() => {
                return Err("it has its salt, yet values are missing".to_owned());
            }
            Some(salt) => hasher.leaf(&head, &self.event, Secrets::Whole(&Salts::new(salt))),
            None => {
                let secrets =
                    Secrets::Erased { commitments: &self.commitments, salts: &self.kept_salts };
                hasher.leaf(&head, &self.event, secrets)
            }
        };
        leaf.map_err(|error| error.to_string())
    }
}
