//! The proof document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::Cell;
use merkle::{Hash, hash};
use serde::{Deserialize, Serialize};

use super::preimage::cell_value;

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
        let value = cell_value(cell);
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
            shown: "(erased)".to_owned(),
            salt: None,
            commitment: Some(hash::to_hex(commitment)),
        }
    }
}

/// A value for people, from its canonical bytes.
pub(super) fn shown(cell_type: u8, value: &[u8]) -> String {
    let eight = || <[u8; 8]>::try_from(value).unwrap_or_default();
    match cell_type {
        1 => (value == [1]).to_string(),
        2 => i64::from_be_bytes(eight()).to_string(),
        3 => f64::from_be_bytes(eight()).to_string(),
        4 => String::from_utf8_lossy(value).into_owned(),
        6 => {
            let micros = i64::from_be_bytes(eight());
            event::Timestamp::from_micros(micros)
                .to_rfc3339()
                .unwrap_or_else(|| format!("{micros} µs since the epoch"))
        }
        7 => texts(value, 1),
        8 => texts(value, 2),
        _ => format!("{} bytes with SHA-256 {}", value.len(), hash::to_hex(&hash::sha256(value))),
    }
}

/// A list of texts, or of pairs of them.
fn texts(value: &[u8], per_item: usize) -> String {
    let mut rest = value.get(4..).unwrap_or_default();
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((text, after)) = after.split_at_checked(length) else { break };
        parts.push(String::from_utf8_lossy(text).into_owned());
        rest = after;
    }
    parts.chunks(per_item).map(|item| item.join(" = ")).collect::<Vec<_>>().join("; ")
}

impl EventProof {
    /// The document as indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts and numbers always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default()
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
