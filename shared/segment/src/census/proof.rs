//! Proofs that a census has a row, or has none.

use merkle::{Hash, proof, rfc6962};

use super::row::{CensusKey, CensusRow};
use super::table::{Census, CensusError};

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

impl Census {
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
