//! The C2SP `tlog-proof@v1` file: an entry's place in a log, and the checkpoint that vouches for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::VerifyingKey;
use crate::proof::{ProofError, verify_inclusion};
use crate::{Hash, hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest audit path of a tree with 64-bit size.
const PATH_MAX: usize = 64;

/// Why a proof file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlogProofError {
    /// The text has another form.
    #[error("not a tlog-proof: {0}")]
    Form(&'static str),
    /// The checkpoint in it is refused.
    #[error("{0}")]
    Checkpoint(CheckpointError),
    /// The entry is not where the proof says.
    #[error("inclusion in the log: {0}")]
    Inclusion(ProofError),
}

/// A proof that an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Index of the entry.
    pub index: u64,
    /// Audit path, from the sibling up.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl TlogProof {
    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let path: String = self.path.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
        format!("{HEADER}\nindex {}\n{path}\n{}", self.index, self.checkpoint)
    }

    /// Parses the text of the file.
    ///
    /// # Errors
    ///
    /// [`TlogProofError::Form`].
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(TlogProofError::Form("there is no blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Form("the first line is another"));
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .ok_or(TlogProofError::Form("there is no index"))?;
        let parsed: u64 =
            index.parse().map_err(|_| TlogProofError::Form("the index is not a number"))?;
        if parsed.to_string() != index {
            return Err(TlogProofError::Form("the index is not in canonical form"));
        }
        let path = lines
            .map(|line| Hash::try_from(BASE64.decode(line).ok()?).ok())
            .collect::<Option<Vec<_>>>()
            .filter(|path| path.len() <= PATH_MAX)
            .ok_or(TlogProofError::Form("the path is not a list of base64 SHA-256"))?;
        Ok(Self { index: parsed, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that an entry is in the log, and gives the checkpoint that says so.
    ///
    /// # Errors
    ///
    /// See [`TlogProofError`].
    pub fn verify(
        &self,
        entry: &[u8],
        keys: &[VerifyingKey],
    ) -> Result<Checkpoint, TlogProofError> {
        let checkpoint =
            Checkpoint::open(&self.checkpoint, keys).map_err(TlogProofError::Checkpoint)?;
        let leaf = hash::leaf(entry);
        verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)
            .map_err(TlogProofError::Inclusion)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningKey;
    use crate::rfc6962;

    #[test]
    fn a_proof_survives_its_text_and_every_changed_byte_fails() {
        let key = SigningKey::from_seed("log", [5; 32]).unwrap();
        let leaves: Vec<_> = (0..5_u8).map(|entry| hash::leaf(&[entry])).collect();
        let head = Checkpoint { origin: "log".into(), size: 5, root: rfc6962::root(&leaves) };
        let proof = TlogProof {
            index: 3,
            path: rfc6962::prove_inclusion(&leaves, 3).unwrap(),
            checkpoint: head.sign(&key),
        };
        let text = proof.to_text();
        assert_eq!(TlogProof::parse(&text), Ok(proof.clone()));
        assert_eq!(proof.verify(&[3], &[key.verifier()]), Ok(head));
        assert!(proof.verify(&[2], &[key.verifier()]).is_err());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let verdict =
                TlogProof::parse(&changed).and_then(|proof| proof.verify(&[3], &[key.verifier()]));
            assert!(verdict.is_err(), "byte {at}");
        }
    }
}
