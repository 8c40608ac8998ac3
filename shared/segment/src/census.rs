//! The census of a segment (`schemas/segment/census.md`): how many records of each agent and kind,
//! and which numbers of each source, so that presence, absence and completeness can be proved.

mod count;

use std::collections::BTreeMap;

use merkle::{Hash, hash, proof, rfc6962};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use count::Counter;

/// Format name in the census object.
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

/// The census of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// Records by agent and kind.
    pub agents: BTreeMap<(String, String), u64>,
    /// Numbers by source and epoch.
    pub sources: BTreeMap<(String, i64), SourceCount>,
}

/// A row and its audit path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProof {
    /// Number of the row.
    pub index: u64,
    /// The row.
    pub row: CensusRow,
    /// Audit path (RFC 6962), from the sibling up.
    pub path: Vec<Hash>,
}

/// Proof that a census has a row, or has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CensusProof {
    /// The row.
    Present(RowProof),
    /// The two rows between which it would be; `None` at an end.
    Absent {
        /// The row before.
        before: Option<RowProof>,
        /// The row after.
        after: Option<RowProof>,
    },
}

/// Why a census or a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CensusError {
    /// Not a census object in its exact form.
    #[error("not a census: {0}")]
    Form(String),
    /// The proof does not show what it claims.
    #[error("the census proof does not hold: {0}")]
    Proof(&'static str),
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
    // Longer texts do not fit into a record.
    into.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    agents: Vec<AgentRow>,
    format: String,
    sources: Vec<SourceRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentRow {
    agent: String,
    count: String,
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    count: String,
    epoch: String,
    first: String,
    id: String,
    last: String,
    missing: String,
}

impl Census {
    /// The canonical bytes of the census object.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let agents = self.agents.iter().map(|((agent, kind), count)| AgentRow {
            agent: agent.clone(),
            count: count.to_string(),
            kind: kind.clone(),
        });
        let sources = self.sources.iter().map(|((id, epoch), numbers)| SourceRow {
            count: numbers.count.to_string(),
            epoch: epoch.to_string(),
            first: numbers.first.to_string(),
            id: id.clone(),
            last: numbers.last.to_string(),
            missing: numbers.missing.to_string(),
        });
        let document = Document {
            agents: agents.collect(),
            format: CENSUS_FORMAT.to_owned(),
            sources: sources.collect(),
        };
        // Texts and lists only: nothing that has no JSON form.
        serde_json_canonicalizer::to_vec(&document).unwrap_or_default()
    }

    /// Parses a census object; only canonical bytes are accepted.
    ///
    /// # Errors
    ///
    /// [`CensusError::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CensusError> {
        let form = |detail: &str| CensusError::Form(detail.to_owned());
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| form(&error.to_string()))?;
        if document.format != CENSUS_FORMAT {
            return Err(CensusError::Form(format!("its format is `{}`", document.format)));
        }
        let mut census = Self::default();
        for row in document.agents {
            census.agents.insert((row.agent, row.kind), number(&row.count)?);
        }
        for row in document.sources {
            let numbers = SourceCount {
                first: number(&row.first)?,
                last: number(&row.last)?,
                count: number(&row.count)?,
                missing: number(&row.missing)?,
            };
            census.sources.insert((row.id, number(&row.epoch)?), numbers);
        }
        // Order, repeated rows, other spellings of numbers and other JSON all end here.
        if census.to_bytes() == bytes {
            Ok(census)
        } else {
            Err(form("it is not in its canonical form"))
        }
    }

    /// The rows in order: agents, then sources.
    pub fn rows(&self) -> impl Iterator<Item = CensusRow> {
        let agents = self.agents.iter().map(|((agent_id, kind), count)| CensusRow::Agent {
            agent_id: agent_id.clone(),
            kind: kind.clone(),
            count: *count,
        });
        let sources = self.sources.iter().map(|((source_id, epoch), numbers)| CensusRow::Source {
            source_id: source_id.clone(),
            epoch: *epoch,
            numbers: *numbers,
        });
        agents.chain(sources)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.agents.len() as u64).saturating_add(self.sources.len() as u64)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Root of the RFC 6962 tree over the rows.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut frontier = rfc6962::Frontier::new();
        for row in self.rows() {
            frontier.append(row.leaf());
        }
        frontier.root()
    }

    /// Proves that a row is there, or is not.
    #[must_use]
    pub fn prove(&self, key: &CensusKey) -> CensusProof {
        let rows: Vec<_> = self.rows().collect();
        let leaves: Vec<_> = rows.iter().map(CensusRow::leaf).collect();
        let prove = |at: usize| -> Option<RowProof> {
            let index = at as u64;
            let path = rfc6962::prove_inclusion(&leaves, index)?;
            Some(RowProof { index, row: rows.get(at)?.clone(), path })
        };
        let at = rows.partition_point(|row| row.key() < *key);
        match prove(at) {
            Some(found) if found.row.key() == *key => CensusProof::Present(found),
            after => CensusProof::Absent { before: at.checked_sub(1).and_then(prove), after },
        }
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, CensusError> {
    text.parse().map_err(|_| CensusError::Form(format!("`{text}` is not a number in its range")))
}

impl CensusProof {
    /// Verifies the proof against root and number of rows (from a manifest): the row if it is
    /// there, `None` if it is proved absent.
    ///
    /// # Errors
    ///
    /// [`CensusError::Proof`].
    pub fn verify(
        &self,
        key: &CensusKey,
        root: &Hash,
        rows: u64,
    ) -> Result<Option<&CensusRow>, CensusError> {
        let holds = |part: &RowProof| {
            proof::verify_inclusion(&part.row.leaf(), part.index, rows, &part.path, root)
                .map_err(|_| CensusError::Proof("a row is not in the census"))
        };
        match self {
            Self::Present(found) => {
                holds(found)?;
                if found.row.key() == *key {
                    Ok(Some(&found.row))
                } else {
                    Err(CensusError::Proof("the row is another one"))
                }
            }
            Self::Absent { before, after } => {
                for part in [before, after].into_iter().flatten() {
                    holds(part)?;
                }
                let ordered = before.as_ref().is_none_or(|part| part.row.key() < *key)
                    && after.as_ref().is_none_or(|part| *key < part.row.key());
                let adjacent = match (before, after) {
                    (Some(before), Some(after)) => before.index.checked_add(1) == Some(after.index),
                    (Some(last), None) => last.index.checked_add(1) == Some(rows),
                    (None, Some(first)) => first.index == 0,
                    // Nothing proves it, and no segment has an empty census.
                    (None, None) => false,
                };
                if ordered && adjacent {
                    Ok(None)
                } else {
                    Err(CensusError::Proof("the two rows are not its neighbours"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::kind;

    fn census(agents: &[(&str, &str, u64)], sources: &[(&str, i64)]) -> Census {
        let numbers = SourceCount { first: -1, last: i64::MAX, count: 2, missing: u64::MAX / 2 };
        Census {
            agents: agents.iter().map(|(a, k, n)| (((*a).into(), (*k).into()), *n)).collect(),
            sources: sources.iter().map(|(id, epoch)| (((*id).into(), *epoch), numbers)).collect(),
        }
    }

    fn example() -> Census {
        census(
            &[
                ("", kind::QUARANTINE_ADDED, 1),
                ("a", kind::RUN_COMPLETED, 7),
                ("a\"\u{e9}", "x", u64::MAX),
            ],
            &[("s", -1), ("s", 3)],
        )
    }

    #[test]
    fn a_census_survives_its_bytes_and_no_other_bytes_parse() {
        let bytes = example().to_bytes();
        assert_eq!(Census::parse(&bytes), Ok(example()));
        let text = String::from_utf8(bytes).unwrap();
        for changed in [
            text.replace("\"7\"", "\"07\""),
            text.replace("\"7\"", "\"+7\""),
            text.replace("\"7\"", "7"),
            text.replace("\"sources\"", " \"sources\""),
            text.replace("v1", "v2"),
            text.replace("}],\"format\"", ",\"more\":1}],\"format\""),
        ] {
            assert_ne!(changed, text);
            assert!(Census::parse(changed.as_bytes()).is_err(), "{changed}");
        }
    }

    #[test]
    fn every_changed_bit_is_refused_or_changes_the_root() {
        let bytes = example().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(other) = Census::parse(&changed) {
                    assert_ne!(other.root(), example().root());
                }
            }
        }
    }

    fn agent(agent_id: &str, kind: &str) -> CensusKey {
        CensusKey::Agent { agent_id: agent_id.into(), kind: kind.into() }
    }

    #[test]
    fn what_is_there_is_proved_and_what_is_not_is_proved_absent() {
        for example in [example(), census(&[("b", "k", 1)], &[]), census(&[], &[("s", 2)])] {
            let (root, rows) = (example.root(), example.len());
            for row in example.rows() {
                let proof = example.prove(&row.key());
                assert_eq!(proof.verify(&row.key(), &root, rows), Ok(Some(&row)));
                assert!(proof.verify(&agent("nobody", ""), &root, rows).is_err());
            }
            for key in [
                agent("", ""),
                agent("a", kind::RUN_STARTED),
                agent("z", ""),
                CensusKey::Source { source_id: "s".into(), epoch: 1 },
                CensusKey::Source { source_id: "t".into(), epoch: 1 },
            ] {
                let proof = example.prove(&key);
                assert_eq!(proof.verify(&key, &root, rows), Ok(None), "{key:?}");
                for row in example.rows() {
                    assert!(proof.verify(&row.key(), &root, rows).is_err());
                }
            }
        }
    }

    #[test]
    fn neighbours_that_are_not_adjacent_prove_nothing() {
        let example = example();
        let hidden = agent("a", kind::RUN_COMPLETED);
        let (CensusProof::Present(before), CensusProof::Present(after)) = (
            example.prove(&agent("", kind::QUARANTINE_ADDED)),
            example.prove(&agent("a\"\u{e9}", "x")),
        ) else {
            panic!("both are there")
        };
        let forged = CensusProof::Absent { before: Some(before), after: Some(after) };
        assert!(forged.verify(&hidden, &example.root(), example.len()).is_err());
        let nothing = CensusProof::Absent { before: None, after: None };
        assert!(nothing.verify(&hidden, &example.root(), example.len()).is_err());
    }
}
