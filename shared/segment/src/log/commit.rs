//! Commit objects.

use merkle::tile::ENTRY_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::error::CommitError;

/// Format name in commit objects.
pub const COMMIT_FORMAT: &str = "driftseal/commit/v1";

/// Most entries of one commit. There is at least one.
pub const ENTRIES_MAX: usize = 1_000;

/// A commit object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Number of the commit, from 0; also in its path.
    pub sequence: u64,
    /// Size of the log before it.
    pub previous_size: u64,
    /// The signed checkpoint after it.
    pub checkpoint: String,
    /// The entries it adds: DSSE envelopes.
    pub entries: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    checkpoint: String,
    entries: Vec<String>,
    format: String,
    previous_size: String,
    sequence: String,
}

impl Commit {
    /// The canonical bytes of the object.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts always have a JSON form")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Document {
            checkpoint: self.checkpoint.clone(),
            entries: self.entries.clone(),
            format: COMMIT_FORMAT.to_owned(),
            previous_size: self.previous_size.to_string(),
            sequence: self.sequence.to_string(),
        };
        serde_json_canonicalizer::to_vec(&document).expect("a commit has a JSON form")
    }

    /// Parses the object of a number; only canonical bytes are accepted. Nothing that it holds is
    /// verified.
    ///
    /// # Errors
    ///
    /// [`CommitError::Form`].
    pub fn parse(sequence: u64, bytes: &[u8]) -> Result<Self, CommitError> {
        let form = |detail: String| CommitError::Form { sequence, detail };
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| form(error.to_string()))?;
        if document.format != COMMIT_FORMAT {
            return Err(form(format!("its format is `{}`", document.format)));
        }
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| form(format!("`{text}` is not a number in its range")))
        };
        let commit = Self {
            sequence: number(&document.sequence)?,
            previous_size: number(&document.previous_size)?,
            checkpoint: document.checkpoint,
            entries: document.entries,
        };
        if commit.sequence != sequence {
            return Err(form(format!("it says that it is commit {}", commit.sequence)));
        }
        if commit.entries.is_empty() || commit.entries.len() > ENTRIES_MAX {
            let count = commit.entries.len();
            return Err(form(format!("{count} entries are not 1 to {ENTRIES_MAX}")));
        }
        if let Some(entry) = commit.entries.iter().find(|entry| entry.len() > ENTRY_BYTES_MAX) {
            let size = entry.len();
            return Err(form(format!("an entry of {size} bytes is over {ENTRY_BYTES_MAX}")));
        }
        if commit.to_bytes() != bytes {
            return Err(form("it is not in its canonical form".to_owned()));
        }
        Ok(commit)
    }
}
