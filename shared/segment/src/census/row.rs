//! Rows of a census, and their leaves.

use merkle::{Hash, hash};

/// Format name in the census object, and first line of the preimage of a row's leaf.
pub const CENSUS_FORMAT: &str = "driftseal/census/v1";

/// What a row counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CensusKey {
    /// Records of an agent (empty where the record names none) and kind.
    Agent {
        /// Agent, or empty.
        agent_id: String,
        /// Kind.
        kind: String,
    },
    /// Numbered records of a source.
    Source {
        /// Source.
        source_id: String,
        /// Epoch; 0 where the record names none.
        epoch: i64,
    },
}

/// What is known of a source's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCount {
    /// Smallest number.
    pub first: i64,
    /// Largest number.
    pub last: i64,
    /// Records, repeated numbers included.
    pub count: u64,
    /// Numbers between first and last that no record has.
    pub missing: u64,
}

/// A row of the census.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CensusRow {
    /// See [`CensusKey::Agent`].
    Agent {
        /// Agent, or empty.
        agent_id: String,
        /// Kind.
        kind: String,
        /// Records.
        count: u64,
    },
    /// See [`CensusKey::Source`].
    Source {
        /// Source.
        source_id: String,
        /// Epoch.
        epoch: i64,
        /// Its numbers.
        numbers: SourceCount,
    },
}

impl CensusRow {
    /// What the row counts.
    #[must_use]
    pub fn key(&self) -> CensusKey {
        match self {
            Self::Agent { agent_id, kind, .. } => {
                CensusKey::Agent { agent_id: agent_id.clone(), kind: kind.clone() }
            }
            Self::Source { source_id, epoch, .. } => {
                CensusKey::Source { source_id: source_id.clone(), epoch: *epoch }
            }
        }
    }

    /// Leaf hash of the row in the census tree.
    ///
    /// # Panics
    ///
    /// A text of 4 GiB: no record holds one, and no census object is read that does.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let mut data = Vec::new();
        data.extend_from_slice(CENSUS_FORMAT.as_bytes());
        data.push(b'\n');
        match self {
            Self::Agent { agent_id, kind, count } => {
                data.push(1);
                put(agent_id, &mut data);
                put(kind, &mut data);
                data.extend_from_slice(&count.to_be_bytes());
            }
            Self::Source { source_id, epoch, numbers } => {
                data.push(2);
                put(source_id, &mut data);
                data.extend_from_slice(&epoch.to_be_bytes());
                data.extend_from_slice(&numbers.first.to_be_bytes());
                data.extend_from_slice(&numbers.last.to_be_bytes());
                data.extend_from_slice(&numbers.count.to_be_bytes());
                data.extend_from_slice(&numbers.missing.to_be_bytes());
            }
        }
        hash::leaf(&data)
    }
}

/// `u32` length and bytes.
fn put(text: &str, into: &mut Vec<u8>) {
    let Ok(length) = u32::try_from(text.len()) else {
        unreachable!("a text of {} bytes is in a census", text.len())
    };
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}
