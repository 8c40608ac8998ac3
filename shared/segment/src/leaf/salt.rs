//! Salts of a row, and the digest of a record's bytes.

use hmac::{Hmac, KeyInit, Mac};
use merkle::Hash;
use sha2::{Digest, Sha256};

/// First line of what a record's digest hashes.
pub const RECORD_FORMAT: &str = "driftseal/record/v1";

/// The 16 random bytes of a row.
pub type RowSalt = [u8; 16];

/// The salts that follow from a row's salt; holds the key state of the HMAC.
#[derive(Debug, Clone)]
pub struct Salts(Hmac<Sha256>);

impl Salts {
    /// Of a row.
    #[must_use]
    pub fn new(salt: &RowSalt) -> Self {
        // HMAC pads a short key with zeros to one block; given the block, nothing can fail.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(salt) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// Salt of the field with that path; of the record itself for the empty path.
    #[must_use]
    pub fn of(&self, path: &str) -> Hash {
        let mut mac = self.0.clone();
        mac.update(path.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Salted digest of the exact bytes of a record.
    ///
    /// # Panics
    ///
    /// A key or value of 2 GiB, which no log accepts.
    #[must_use]
    pub fn record_digest(&self, record: &event::Record<'_>) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(RECORD_FORMAT);
        hasher.update(b"\n");
        hasher.update(self.of(""));
        record.hash_content(|bytes| hasher.update(bytes));
        hasher.finalize().into()
    }
}
