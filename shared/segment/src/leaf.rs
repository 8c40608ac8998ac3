//! The leaf of a record (`schemas/segment/leaf.md`, format `driftseal/leaf/v1`): what it binds, and
//! what of it can be erased without changing it.

use event::{Cell, CellType, ColumnId, Event, Headers, TimestampType};
use hmac::{Hmac, KeyInit, Mac};
use merkle::Hash;
use sha2::Sha256;

/// First line of the preimage of a leaf.
pub const LEAF_FORMAT: &str = "driftseal/leaf/v1";

/// First line of what a field's commitment hashes.
pub const FIELD_FORMAT: &str = "driftseal/field/v1";

/// First line of what a record's digest hashes.
pub const RECORD_FORMAT: &str = "driftseal/record/v1";

/// The 16 random bytes of a row.
pub type RowSalt = [u8; 16];

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
