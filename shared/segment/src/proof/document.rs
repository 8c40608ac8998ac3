//! The proof document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::Cell;
use merkle::{Hash, hash};
use serde::{Deserialize, Serialize};

use super::value::{ERASED, canonical, shown};

/// Format name in the document.
pub const PROOF_FORMAT: &str = "driftseal/proof/v1";

/// The proof of one event. Digests are hexadecimal, 64-bit numbers are texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventProof {
    /// [`PROOF_FORMAT`].
    pub format: String,
    /// The event.
    pub event_id: String,
    /// Topic of the record.
    pub topic: String,
    /// Partition of the record.
    pub partition: i32,
    /// Offset of the record.
    pub offset: String,
    /// Timestamp of the record, milliseconds since the epoch.
    pub timestamp_ms: String,
    /// Who set the timestamp: 0 nobody, 1 the producer, 2 the broker.
    pub timestamp_type: u8,
    /// How the record was decoded.
    pub schema_id: String,
    /// Salted digest of the record's key, value and headers.
    pub record_digest: String,
    /// The fields that have a value, or had one, in ascending order of their paths.
    pub fields: Vec<Field>,
    /// The leaf.
    pub leaf: String,
    /// Its index in the segment.
    pub index: String,
    /// Audit path from the leaf to the root of the segment, from the sibling up.
    pub segment_path: Vec<String>,
    /// The manifest of the segment: a DSSE envelope.
    pub manifest: String,
    /// Place of the manifest in the log, and the checkpoint (C2SP `tlog-proof`).
    pub tlog_proof: String,
    /// The entries before the manifest that accept keys of sealers, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyEntry>,
}

/// An entry of the log that accepts the key of a sealer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The DSSE envelope.
    pub envelope: String,
    /// Its number in the log.
    pub index: String,
    /// Its audit path to the root of the checkpoint, from the sibling up.
    pub path: Vec<String>,
}

/// A field of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Path of the column.
    pub path: String,
    /// Type byte of the value; 0 if it was erased.
    pub cell_type: u8,
    /// Canonical bytes of the value, base64; empty if it was erased.
    pub value: String,
    /// The value for people; not part of the proof's arithmetic.
    pub shown: String,
    /// Salt of the field, if it can be erased and was not.
    pub salt: Option<String>,
    /// Commitment of the field, if it was erased.
    pub commitment: Option<String>,
}

impl Field {
    pub(super) fn new(path: &str, cell: &Cell<'_>, salt: Option<&Hash>) -> Self {
        let value = canonical(cell);
        Self {
            path: path.to_owned(),
            cell_type: cell.cell_type() as u8,
            shown: shown(cell.cell_type() as u8, &value),
            value: BASE64.encode(value),
            salt: salt.map(hash::to_hex),
            commitment: None,
        }
    }

    pub(super) fn erased(path: &str, commitment: &Hash) -> Self {
        Self {
            path: path.to_owned(),
            cell_type: 0,
            value: String::new(),
            shown: ERASED.to_owned(),
            salt: None,
            commitment: Some(hash::to_hex(commitment)),
        }
    }
}

impl EventProof {
    /// The document as indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        match serde_json::to_string_pretty(self) {
            Ok(json) => json,
            Err(error) => unreachable!("texts and numbers have a JSON form: {error}"),
        }
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// What is wrong with the JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}
