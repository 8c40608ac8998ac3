//! The census object.

use std::collections::BTreeMap;

use merkle::{Hash, rfc6962};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::row::{CENSUS_FORMAT, CensusRow, SourceCount};

/// The census of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// Records by agent and kind.
    pub agents: BTreeMap<(String, String), u64>,
    /// Numbers by source and epoch.
    pub sources: BTreeMap<(String, i64), SourceCount>,
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
        match serde_json_canonicalizer::to_vec(&document) {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("texts and lists of them have a JSON form: {error}"),
        }
    }

    /// Parses a census object; only canonical bytes are accepted.
    ///
    /// # Errors
    ///
    /// [`CensusError::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CensusError> {
        let form = |detail: &str| CensusError::Form(detail.to_owned());
        // So no text is longer than the leaf of its row can tell.
        if u32::try_from(bytes.len()).is_err() {
            return Err(form("it is longer than 4 GiB"));
        }
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
        self.agents.len() as u64 + self.sources.len() as u64
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
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, CensusError> {
    text.parse().map_err(|_| CensusError::Form(format!("`{text}` is not a number in its range")))
}
