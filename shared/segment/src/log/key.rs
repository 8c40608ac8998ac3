//! The keys that entries of a log accepted, as its heads list them.

use merkle::note::VerifyingKey;

use super::error::CommitError;
use crate::manifest::{Manifest, SignerUse};

/// A key that an entry of the log accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// Number of the entry.
    pub entry: u64,
    /// What the key signs.
    pub used_for: SignerUse,
    /// The key.
    pub key: VerifyingKey,
}

impl LogKey {
    /// The key that an entry accepts, if it is one of that kind.
    #[must_use]
    pub fn of(entry: u64, manifest: &Manifest) -> Option<Self> {
        let accepted = manifest.key()?;
        Some(Self { entry, used_for: accepted.used_for, key: accepted.key.clone() })
    }

    /// Refuses it where its name is known for another key: a name has one.
    pub(super) fn check_name<'k>(
        &self,
        mut known: impl Iterator<Item = &'k VerifyingKey>,
    ) -> Result<(), CommitError> {
        let is_other =
            |known: &&VerifyingKey| known.name() == self.key.name() && **known != self.key;
        let Some(other) = known.find(is_other) else { return Ok(()) };
        Err(CommitError::Chain {
            index: self.entry,
            what: "key of that name",
            expected: other.to_vkey(),
            found: self.key.to_vkey(),
        })
    }
}
