//! Signed notes (C2SP `signed-note`) with Ed25519, and the key texts of Go's `note` package.
//!
//! A note is text that ends in a newline, a blank line, and one line for each signature:
//! `— <name> <base64 of 4-byte key id and signature>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _};
use thiserror::Error;

use crate::hash;

/// Signature type of Ed25519 in key texts and key ids.
const ED25519: u8 = 1;

/// Most bytes of a note that is opened.
const NOTE_BYTES_MAX: usize = 1_000_000;

/// Why a key text or name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// A name is not empty and holds no white space, no control character and none of `+`, `"`
    /// and `\`: it stands unescaped in notes, key texts and envelopes.
    #[error(
        "the key's name is empty, or holds white space, a control character, `+`, `\"` or `\\`"
    )]
    Name,
    /// The text has another form.
    #[error("the key is not of the form `<name>+<8 hexadecimal digits>+<base64>`")]
    Form,
    /// The key id in the text is not that of the key.
    #[error("the key id is not that of the key")]
    Id,
    /// The key is not an Ed25519 key.
    #[error("the key is not an Ed25519 key")]
    Algorithm,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// A signature by a known key does not hold.
    #[error("the signature of `{0}` does not hold")]
    Signature(String),
    /// No signature is by a known key.
    #[error("no signature is by a known key; it is signed by {}", .0.join(", "))]
    UnknownSigner(Vec<String>),
}

/// A key that signs. Its debug form shows the name only.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::SigningKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key of a 32-byte seed.
    ///
    /// # Errors
    ///
    /// A bad name.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        Ok(Self { name: name.to_owned(), id: key_id(name, &key.verifying_key()), key })
    }

    /// Parses `PRIVATE+KEY+<name>+<id>+<base64>`.
    ///
    /// # Errors
    ///
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Form)?;
        let (name, id, seed) = split_key(rest)?;
        let key = Self::from_seed(name, seed)?;
        if key.key_id_hex() == id { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The text that [`Self::parse`] reads. Secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let data = [&[ED25519][..], self.key.as_bytes()].concat();
        format!("PRIVATE+KEY+{}+{}+{}", self.name, self.key_id_hex(), BASE64.encode(data))
    }

    /// The key that verifies.
    #[must_use]
    pub fn verifier(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), id: self.id, key: self.key.verifying_key() }
    }

    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Key id, eight hexadecimal digits.
    #[must_use]
    pub fn key_id_hex(&self) -> String {
        hex4(self.id)
    }

    /// Signs bytes.
    #[must_use]
    pub fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// Signs a text, giving the whole note. A newline is added if the text does not end in one.
    ///
    /// # Panics
    ///
    /// A text with control characters other than newlines: nobody could open the note.
    #[must_use]
    pub fn sign_note(&self, text: &str) -> String {
        assert!(!holds_controls(text), "the text of a note holds control characters");
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let text = format!("{text}{newline}");
        let signature = [&self.id[..], &self.sign_bytes(text.as_bytes())].concat();
        format!("{text}\n— {} {}\n", self.name, BASE64.encode(signature))
    }
}

/// A key that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// Parses a `vkey`: `<name>+<id>+<base64>`.
    ///
    /// # Errors
    ///
    /// See [`KeyError`].
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let (name, id, bytes) = split_key(vkey.trim())?;
        check_name(name)?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Algorithm)?;
        let parsed = Self { name: name.to_owned(), id: key_id(name, &key), key };
        if parsed.key_id_hex() == id { Ok(parsed) } else { Err(KeyError::Id) }
    }

    /// The text that [`Self::parse`] reads.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        let data = [&[ED25519][..], self.key.as_bytes()].concat();
        format!("{}+{}+{}", self.name, self.key_id_hex(), BASE64.encode(data))
    }

    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Key id, eight hexadecimal digits.
    #[must_use]
    pub fn key_id_hex(&self) -> String {
        hex4(self.id)
    }

    /// Whether a signature holds (strict verification: no malleable signatures, no weak keys).
    #[must_use]
    pub fn verify_bytes(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// A note whose signatures were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The text, with its final newline.
    pub text: String,
    /// Names of the known keys that signed it.
    pub signed_by: Vec<String>,
}

/// Opens a note with the known keys. Signatures by unknown keys are ignored, as the format demands;
/// a bad signature by a known key is an error.
///
/// # Errors
///
/// See [`NoteError`].
pub fn open(note: &str, keys: &[VerifyingKey]) -> Result<Opened, NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::Form("it is too long"));
    }
    let (text, signatures) =
        note.rsplit_once("\n\n").ok_or(NoteError::Form("there is no blank line"))?;
    let text = format!("{text}\n");
    if holds_controls(&text) {
        return Err(NoteError::Form("the text holds control characters"));
    }
    let signatures = signatures
        .strip_suffix('\n')
        .ok_or(NoteError::Form("the last line does not end in a newline"))?;
    let mut signed_by = Vec::new();
    let mut others = Vec::new();
    for line in signatures.split('\n') {
        let (name, encoded) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::Form("a signature line has another form"))?;
        let bytes =
            BASE64.decode(encoded).map_err(|_| NoteError::Form("a signature is not base64"))?;
        let (id, signature) =
            bytes.split_first_chunk::<4>().ok_or(NoteError::Form("a signature is too short"))?;
        match keys.iter().find(|key| key.name == name && key.id == *id) {
            None => others.push(name.to_owned()),
            Some(key) => {
                let holds = <&[u8; 64]>::try_from(signature)
                    .is_ok_and(|signature| key.verify_bytes(text.as_bytes(), signature));
                if !holds {
                    return Err(NoteError::Signature(name.to_owned()));
                }
                signed_by.push(name.to_owned());
            }
        }
    }
    if signed_by.is_empty() {
        return Err(NoteError::UnknownSigner(others));
    }
    Ok(Opened { text, signed_by })
}

fn holds_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '+' | '"' | '\\');
    let bad = name.is_empty() || name.chars().any(forbidden);
    if bad { Err(KeyError::Name) } else { Ok(()) }
}

fn key_id(name: &str, key: &ed25519_dalek::VerifyingKey) -> [u8; 4] {
    let [a, b, c, d, ..] =
        hash::sha256(&[name.as_bytes(), &[b'\n', ED25519], key.as_bytes()].concat());
    [a, b, c, d]
}

fn split_key(text: &str) -> Result<(&str, &str, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form);
    };
    let bytes = BASE64.decode(encoded).map_err(|_| KeyError::Form)?;
    let (algorithm, key) = bytes.split_first().ok_or(KeyError::Form)?;
    if *algorithm != ED25519 {
        return Err(KeyError::Algorithm);
    }
    Ok((name, id, key.try_into().map_err(|_| KeyError::Form)?))
}

fn hex4(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> SigningKey {
        SigningKey::from_seed(name, [7; 32]).unwrap()
    }

    #[test]
    fn keys_survive_their_texts() {
        let key = key("log.example.com/a");
        assert_eq!(SigningKey::parse(&key.to_text()).unwrap().to_text(), key.to_text());
        let vkey = key.verifier().to_vkey();
        assert_eq!(VerifyingKey::parse(&vkey).unwrap(), key.verifier());
        assert_eq!(VerifyingKey::parse(&vkey.replace("/a", "/b")), Err(KeyError::Id));
        assert!(!format!("{key:?}").contains(&BASE64.encode([7; 32])));
    }

    #[test]
    fn gos_published_example_note_opens() {
        // Key and note of the package documentation of golang.org/x/mod/sumdb/note.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\n\
                    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let opened = open(note, &[VerifyingKey::parse(vkey).unwrap()]).unwrap();
        assert_eq!(opened.signed_by, ["PeterNeumann"]);
    }

    #[test]
    fn every_changed_byte_of_a_note_fails() {
        let key = key("log");
        let note = key.sign_note("origin\n1\nroot\n");
        assert!(open(&note, &[key.verifier()]).is_ok());
        for at in 0..note.len() {
            let mut changed = note.clone().into_bytes();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(open(&changed, &[key.verifier()]).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn a_note_by_strangers_is_not_signed() {
        let note = key("log").sign_note("text");
        let other = SigningKey::from_seed("log", [8; 32]).unwrap();
        assert_eq!(
            open(&note, &[other.verifier()]),
            Err(NoteError::UnknownSigner(vec!["log".into()]))
        );
    }
}
