//! The state of a processor as bytes: a head that names format and semantics, then postcard.
//!
//! A snapshot of other semantics is refused rather than guessed at; the partition is then computed
//! again from its first record.

use thiserror::Error;

use crate::SEMANTICS;
use crate::processor::State;
use crate::settings::Settings;

/// First bytes of every snapshot of this format.
const MAGIC: &[u8] = b"driftseal/processor-state/v1\n";

/// Why a snapshot cannot be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResumeError {
    /// The bytes are not a snapshot of this format.
    #[error("the snapshot is of another format")]
    Format,
    /// The snapshot was made by another version of the computation.
    #[error("the snapshot has semantics {found}, this is {SEMANTICS}")]
    Semantics {
        /// Version in the snapshot.
        found: i64,
    },
    /// The snapshot is of another partition.
    #[error("the snapshot is of partition `{topic}/{partition}`")]
    Partition {
        /// Topic in the snapshot.
        topic: String,
        /// Partition in the snapshot.
        partition: i32,
    },
    /// The bytes after the head do not decode.
    #[error("the snapshot does not decode: {0}")]
    Corrupt(String),
}

pub(crate) fn save(settings: &Settings, state: &State) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&SEMANTICS.to_be_bytes());
    match postcard::to_extend(&(settings, state), bytes) {
        Ok(bytes) => bytes,
        Err(error) => {
            // Every type of the state has a postcard form. Without bytes nothing can be resumed,
            // so the partition would be computed again from its first record: slow, and right.
            debug_assert!(false, "state does not encode: {error}");
            Vec::new()
        }
    }
}

pub(crate) fn load(
    bytes: &[u8],
    topic: &str,
    partition: i32,
) -> Result<(Settings, State), ResumeError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ResumeError::Format)?;
    let (semantics, body) = body.split_first_chunk::<8>().ok_or(ResumeError::Format)?;
    let found = i64::from_be_bytes(*semantics);
    if found != SEMANTICS {
        return Err(ResumeError::Semantics { found });
    }
    let ((settings, state), rest): ((Settings, State), &[u8]) =
        postcard::take_from_bytes(body).map_err(|error| ResumeError::Corrupt(error.to_string()))?;
    if !rest.is_empty() {
        return Err(ResumeError::Corrupt(format!("{} trailing bytes", rest.len())));
    }
    if state.topic != topic || state.partition != partition {
        return Err(ResumeError::Partition { topic: state.topic, partition: state.partition });
    }
    Ok((settings, state))
}
