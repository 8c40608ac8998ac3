//! The state of a processor as bytes: a head with format and semantics, and an entry for each agent
//! and for other parts that would make the head large. An entry is written again only when it has
//! changed.
//!
//! A snapshot of other semantics is refused; the partition is then computed again from its first
//! record.

use event::SchemaKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::{AgentKey, Digest};
use crate::semantics::SEMANTICS;

/// First bytes of the head of every snapshot of this format.
const MAGIC: &[u8] = b"driftseal/processor-state/v6\n";

/// Identifier of an entry of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(Id);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Id {
    Agent(AgentKey),
    /// The acts about an agent in all of its environments.
    Decided(Digest),
    /// A page of event ids.
    Ids(u16),
    /// A schema of another writer.
    Schema(SchemaKey),
    /// An entry of the suites in force.
    Suite(suite::EntryId),
}

impl EntryId {
    /// Unique name of the entry; at most 37 bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        match self.0 {
            Id::Agent(key) => {
                let mut bytes = vec![b'a'];
                let halves = key.family.into_iter().chain(key.whole);
                bytes.extend(halves.flat_map(u64::to_be_bytes));
                bytes
            }
            Id::Decided(family) => {
                let mut bytes = vec![b'd'];
                bytes.extend(family.into_iter().flat_map(u64::to_be_bytes));
                bytes
            }
            Id::Ids(page) => {
                let [high, low] = page.to_be_bytes();
                vec![b'i', high, low]
            }
            Id::Schema(key) => {
                let mut bytes = vec![b'w'];
                bytes.extend(key.to_string().into_bytes());
                bytes
            }
            Id::Suite(id) => {
                let mut bytes = vec![b's'];
                bytes.extend(id.to_bytes());
                bytes
            }
        }
    }

    /// The entry with this name.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let half = |at: usize| {
            let bytes = rest.get(at..)?.first_chunk()?;
            Some(u64::from_be_bytes(*bytes))
        };
        let id = match (tag, rest.len()) {
            (b'd', 16) => Id::Decided([half(0)?, half(8)?]),
            (b'a', 32) => {
                let (family, whole) = ([half(0)?, half(8)?], [half(16)?, half(24)?]);
                Id::Agent(AgentKey { family, whole })
            }
            (b'i', 2) => Id::Ids(u16::from_be_bytes(*rest.first_chunk()?)),
            (b'w', _) => Id::Schema(SchemaKey::parse(std::str::from_utf8(rest).ok()?)?),
            (b's', _) => Id::Suite(suite::EntryId::from_bytes(rest)?),
            (_, _) => return None,
        };
        Some(Self(id))
    }

    pub(crate) const fn of(id: Id) -> Self {
        Self(id)
    }

    pub(crate) const fn id(self) -> Id {
        self.0
    }
}

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
    /// The snapshot was made with other metrics or detectors in force than this build computes.
    #[error("the snapshot was made with other versions of metrics or detectors")]
    Versions,
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

impl ResumeError {
    pub(crate) fn corrupt(error: &impl ToString) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// The head of a snapshot. Every type of the state has a postcard form.
#[expect(clippy::panic, reason = "without its bytes the state is lost")]
pub(crate) fn head(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&SEMANTICS.to_be_bytes());
    postcard::to_extend(value, bytes)
        .unwrap_or_else(|error| panic!("the head of a snapshot does not encode: {error}"))
}

/// The value of a head.
pub(crate) fn open<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ResumeError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ResumeError::Format)?;
    let (semantics, body) = body.split_first_chunk::<8>().ok_or(ResumeError::Format)?;
    let found = i64::from_be_bytes(*semantics);
    if found != SEMANTICS {
        return Err(ResumeError::Semantics { found });
    }
    let (value, rest) =
        postcard::take_from_bytes(body).map_err(|error| ResumeError::corrupt(&error))?;
    if !rest.is_empty() {
        return Err(ResumeError::Corrupt(format!("{} trailing bytes", rest.len())));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_entry_names_it() {
        let key = |family, whole| Id::Agent(AgentKey { family, whole });
        let keys = [key([0, 1], [2, 3]), key([3, 2], [1, 0]), key([u64::MAX; 2], [7, 8])];
        let suite = suite::EntryId::from_bytes(b"s0123456789abcdef").map(Id::Suite).unwrap();
        let schemas = [SchemaKey::Id(7), SchemaKey::Guid([1; 16])].map(Id::Schema);
        let others = [Id::Decided([1, u64::MAX]), Id::Ids(0), Id::Ids(258), suite];
        for id in keys.into_iter().chain(others).chain(schemas) {
            let id = EntryId::of(id);
            assert_eq!(EntryId::from_bytes(&id.to_bytes()), Some(id));
        }
        for bytes in [&b""[..], b"x", b"a", b"i1", b"i123", b"s1", b"s"] {
            assert_eq!(EntryId::from_bytes(bytes), None);
        }
    }
}
