//! An entry that accepts a key: whoever believes the signer of the entry believes the key behind it.

use merkle::hash;
use merkle::note::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ManifestError;
use super::statement::{self, Subject};

pub(super) const KIND: &str = "key";

/// What an accepted key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerUse {
    /// Manifests: the entries of the log.
    Sealer,
    /// Packs about the log.
    Evidence,
}

impl SignerUse {
    /// Its name, in policies and entries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sealer => "sealer",
            Self::Evidence => "evidence",
        }
    }
}

/// The manifest of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyManifest {
    /// Origin of the log that it is an entry of.
    pub log: String,
    /// The key that is believed from the next entry on.
    pub key: VerifyingKey,
    /// What it signs.
    pub used_for: SignerUse,
    /// Name and version of the program.
    pub program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    key: String,
    kind: String,
    log: String,
    program: String,
    #[serde(rename = "use")]
    used_for: SignerUse,
}

impl KeyManifest {
    /// The subject: the key by its name, and the SHA-256 of its text.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let sha256 = hash::sha256(self.key.to_vkey().as_bytes());
        Subject { name: self.key.name().to_owned(), sha256 }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let predicate = Predicate {
            key: self.key.to_vkey(),
            kind: KIND.to_owned(),
            log: self.log.clone(),
            program: self.program.clone(),
            used_for: self.used_for,
        };
        statement::to_bytes(predicate, &[self.subject()])
    }

    /// The caller compares the bytes, and with them the subject.
    pub(super) fn parse(value: Value) -> Result<Self, ManifestError> {
        let (predicate, _) = statement::open::<Predicate>(value)?;
        let key = VerifyingKey::parse(&predicate.key)
            .map_err(|error| ManifestError::Form(error.to_string()))?;
        let Predicate { log, used_for, program, .. } = predicate;
        Ok(Self { log, key, used_for, program })
    }
}
