//! Checkpoints (C2SP `tlog-checkpoint`): the signed head of a log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::Hash;
use crate::note::{self, NoteError, SigningKey, VerifyingKey};

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The note around it is refused.
    #[error("checkpoint: {0}")]
    Note(NoteError),
    /// The text is not that of a checkpoint.
    #[error("checkpoint: {0}")]
    Form(&'static str),
    /// It is signed, but not by the key whose name is the origin.
    #[error("checkpoint: it is not signed by the key of its origin `{0}`")]
    Origin(String),
}

/// Head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: also the name of its key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the RFC 6962 tree over the entries.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// Parses the text of a checkpoint; extension lines are refused, we write none.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Form`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Form(
                "it does not have the three lines origin, size, root",
            ));
        };
        if origin.is_empty() {
            return Err(CheckpointError::Form("the origin is empty"));
        }
        let parsed: u64 =
            size.parse().map_err(|_| CheckpointError::Form("the size is not a number"))?;
        if parsed.to_string() != size {
            return Err(CheckpointError::Form("the size is not in canonical form"));
        }
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|root| Hash::try_from(root).ok())
            .ok_or(CheckpointError::Form("the root is not a base64 SHA-256"))?;
        Ok(Self { origin: origin.to_owned(), size: parsed, root })
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        key.sign_note(&self.to_text())
    }

    /// Opens a signed checkpoint: it must be signed by a known key that is named like its origin.
    ///
    /// # Errors
    ///
    /// See [`CheckpointError`].
    pub fn open(note: &str, keys: &[VerifyingKey]) -> Result<Self, CheckpointError> {
        let opened = note::open(note, keys).map_err(CheckpointError::Note)?;
        let checkpoint = Self::parse(&opened.text)?;
        if opened.signed_by.contains(&checkpoint.origin) {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Origin(checkpoint.origin))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_survives_its_note() {
        let key = SigningKey::from_seed("log.example.com/a", [1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: key.name().into(), size: 3, root: [9; 32] };
        let note = checkpoint.sign(&key);
        assert_eq!(Checkpoint::open(&note, &[key.verifier()]), Ok(checkpoint.clone()));
        let other = Checkpoint { origin: "log.example.com/b".into(), ..checkpoint };
        assert_eq!(
            Checkpoint::open(&other.sign(&key), &[key.verifier()]),
            Err(CheckpointError::Origin("log.example.com/b".into()))
        );
    }

    #[test]
    fn only_the_canonical_text_parses() {
        let root = BASE64.encode([0; 32]);
        assert!(Checkpoint::parse(&format!("o\n7\n{root}\n")).is_ok());
        for text in [
            format!("o\n07\n{root}\n"),
            format!("o\n+7\n{root}\n"),
            format!("\n7\n{root}\n"),
            format!("o\n7\n{root}"),
            format!("o\n7\n{root}\nmore\n"),
            "o\n7\nAAAA\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }
}
