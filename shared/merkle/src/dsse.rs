//! DSSE envelopes (secure-systems-lab `dsse` v1) with one Ed25519 signature, in one exact form.
//!
//! The envelope is the JSON text
//! `{"payload":"…","payloadType":"…","signatures":[{"keyid":"…","sig":"…"}]}` without white space:
//! members in RFC 8785 order, so that one envelope has one byte form and can be a log entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::note::{SigningKey, VerifyingKey};

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DsseError {
    /// Not an envelope in its exact form.
    #[error("not an envelope: {0}")]
    Form(&'static str),
    /// The key is not known.
    #[error("the envelope is signed by the unknown key `{0}`")]
    UnknownKey(String),
    /// The signature does not hold.
    #[error("the signature of key `{0}` does not hold")]
    Signature(String),
}

/// An envelope whose signature was checked, or not ([`parse`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Type of the payload.
    pub payload_type: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Id of the key: `<name>+<8 hexadecimal digits>`.
    pub key_id: String,
}

/// Pre-authentication encoding: what is signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a payload.
///
/// # Panics
///
/// A type that is empty or needs escaping in JSON, which no media type does.
#[must_use]
pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> String {
    assert!(is_plain(payload_type), "the payload type needs escaping");
    let signature = key.sign_bytes(&pae(payload_type, payload));
    let key_id = key_id_of(key.name(), &key.key_id_hex());
    render(payload_type, payload, &key_id, &signature)
}

/// Opens an envelope with the known keys.
///
/// # Errors
///
/// See [`DsseError`].
pub fn open(envelope: &[u8], keys: &[VerifyingKey]) -> Result<Opened, DsseError> {
    let (opened, signature) = read(envelope)?;
    let key = keys
        .iter()
        .find(|key| key_id_of(key.name(), &key.key_id_hex()) == opened.key_id)
        .ok_or_else(|| DsseError::UnknownKey(opened.key_id.clone()))?;
    if key.verify_bytes(&pae(&opened.payload_type, &opened.payload), &signature) {
        Ok(opened)
    } else {
        Err(DsseError::Signature(opened.key_id))
    }
}

/// Reads an envelope without checking its signature.
///
/// # Errors
///
/// [`DsseError::Form`].
pub fn parse(envelope: &[u8]) -> Result<Opened, DsseError> {
    read(envelope).map(|(opened, _)| opened)
}

fn key_id_of(name: &str, id: &str) -> String {
    format!("{name}+{id}")
}

/// Whether a text stands for itself in JSON.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['"', '\\']) && !text.chars().any(char::is_control)
}

fn render(payload_type: &str, payload: &[u8], key_id: &str, signature: &[u8; 64]) -> String {
    format!(
        r#"{{"payload":"{}","payloadType":"{payload_type}","signatures":[{{"keyid":"{key_id}","sig":"{}"}}]}}"#,
        BASE64.encode(payload),
        BASE64.encode(signature),
    )
}

/// The exact form leaves no choice, so reading is cutting at the fixed parts; rendering again and
/// comparing keeps out everything else (escapes, other base64).
fn read(envelope: &[u8]) -> Result<(Opened, [u8; 64]), DsseError> {
    let text = std::str::from_utf8(envelope).map_err(|_| DsseError::Form("it is not UTF-8"))?;
    let cut = || -> Option<(&str, &str, &str, &str)> {
        let rest = text.strip_prefix(r#"{"payload":""#)?;
        let (payload, rest) = rest.split_once(r#"","payloadType":""#)?;
        let (payload_type, rest) = rest.split_once(r#"","signatures":[{"keyid":""#)?;
        let (key_id, rest) = rest.split_once(r#"","sig":""#)?;
        Some((payload, payload_type, key_id, rest.strip_suffix(r#""}]}"#)?))
    };
    let (payload, payload_type, key_id, signature) =
        cut().ok_or(DsseError::Form("it is not the JSON text of one payload and one signature"))?;
    if !is_plain(payload_type) || !is_plain(key_id) {
        return Err(DsseError::Form("the payload type or the key id needs escaping"));
    }
    let payload =
        BASE64.decode(payload).map_err(|_| DsseError::Form("the payload is not base64"))?;
    let signature: [u8; 64] = BASE64
        .decode(signature)
        .ok()
        .and_then(|signature| signature.try_into().ok())
        .ok_or(DsseError::Form("the signature is not 64 bytes in base64"))?;
    if render(payload_type, &payload, key_id, &signature) != text {
        return Err(DsseError::Form("it is not in its exact form"));
    }
    let opened =
        Opened { payload_type: payload_type.to_owned(), payload, key_id: key_id.to_owned() };
    Ok((opened, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pre_authentication_encoding_is_that_of_the_specification() {
        // Test vector of the DSSE protocol document.
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn every_changed_byte_of_an_envelope_fails() {
        let key = SigningKey::from_seed("sealer", [3; 32]).unwrap();
        let envelope = sign("application/vnd.in-toto+json", br#"{"a":1}"#, &key).into_bytes();
        let opened = open(&envelope, &[key.verifier()]).unwrap();
        assert_eq!(opened.payload, br#"{"a":1}"#);
        for at in 0..envelope.len() {
            for bit in 0..8 {
                let mut changed = envelope.clone();
                changed[at] ^= 1 << bit;
                assert!(open(&changed, &[key.verifier()]).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a_strangers_key_is_named() {
        let key = SigningKey::from_seed("sealer", [3; 32]).unwrap();
        let envelope = sign("t", b"x", &key);
        let expected = format!("sealer+{}", key.key_id_hex());
        assert_eq!(open(envelope.as_bytes(), &[]), Err(DsseError::UnknownKey(expected)));
    }
}
