//! The leaf's preimage from the parts of a proof document; written from `schemas/segment/leaf.md`,
//! apart from the code that seals.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use merkle::{Hash, hash};

use super::document::{EventProof, Field};
use crate::leaf::{FIELD_FORMAT, LEAF_FORMAT};

/// The preimage, or the part of the document that is malformed.
pub(super) fn preimage(proof: &EventProof) -> Result<Vec<u8>, String> {
    let mut bytes = format!("{LEAF_FORMAT}\n").into_bytes();
    short(&proof.topic, &mut bytes)?;
    bytes.extend_from_slice(&proof.partition.to_be_bytes());
    bytes.extend_from_slice(&number::<i64>(&proof.offset)?.to_be_bytes());
    bytes.extend_from_slice(&number::<i64>(&proof.timestamp_ms)?.to_be_bytes());
    bytes.push(proof.timestamp_type);
    short(&proof.schema_id, &mut bytes)?;
    bytes.extend_from_slice(&digest("record_digest", &proof.record_digest)?);
    if !proof.fields.is_sorted_by(|a, b| a.path < b.path) {
        return Err("the fields are not in ascending order".to_owned());
    }
    let mut plain = Vec::new();
    let mut erasable = Vec::new();
    let (mut plain_count, mut erasable_count) = (0_u16, 0_u16);
    for field in &proof.fields {
        match commitment(field)? {
            None => {
                plain.extend(cell(field)?);
                plain_count = plain_count.checked_add(1).ok_or("too many fields")?;
            }
            Some(commitment) => {
                short(&field.path, &mut erasable)?;
                erasable.extend_from_slice(&commitment);
                erasable_count = erasable_count.checked_add(1).ok_or("too many fields")?;
            }
        }
    }
    bytes.extend_from_slice(&plain_count.to_be_bytes());
    bytes.extend(plain);
    bytes.extend_from_slice(&erasable_count.to_be_bytes());
    bytes.extend(erasable);
    Ok(bytes)
}

/// The commitment that stands in the leaf for a field; `None` for one that stands there itself.
fn commitment(field: &Field) -> Result<Option<Hash>, String> {
    match (&field.salt, &field.commitment) {
        (None, None) => Ok(None),
        (None, Some(commitment)) => digest(&field.path, commitment).map(Some),
        (Some(salt), None) => {
            let mut bytes = format!("{FIELD_FORMAT}\n").into_bytes();
            bytes.extend_from_slice(&digest(&field.path, salt)?);
            bytes.extend(cell(field)?);
            Ok(Some(hash::sha256(&bytes)))
        }
        (Some(_), Some(_)) => Err(format!("`{}` has both salt and commitment", field.path)),
    }
}

/// `u16` length, path, type, `u32` length, value.
fn cell(field: &Field) -> Result<Vec<u8>, String> {
    let value = BASE64
        .decode(&field.value)
        .map_err(|_| format!("the value of `{}` is not base64", field.path))?;
    let mut bytes = Vec::new();
    short(&field.path, &mut bytes)?;
    bytes.push(field.cell_type);
    let length = u32::try_from(value.len()).map_err(|_| "a value is too long")?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend(value);
    Ok(bytes)
}

/// A number in its one spelling.
pub(super) fn number<N: std::str::FromStr + ToString>(text: &str) -> Result<N, String> {
    let number = text.parse::<N>().ok().filter(|number| number.to_string() == text);
    number.ok_or_else(|| format!("`{text}` is not a number in its range and spelling"))
}

fn short(text: &str, into: &mut Vec<u8>) -> Result<(), String> {
    let length = u16::try_from(text.len()).map_err(|_| "a text is too long")?;
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
    Ok(())
}

pub(super) fn digest(name: &str, text: &str) -> Result<Hash, String> {
    hash::from_hex(text).ok_or_else(|| format!("`{name}` is not a SHA-256 in hexadecimal"))
}
