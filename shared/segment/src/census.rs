//! The census of a segment (`schemas/segment/census.md`): how many records of each agent and kind,
//! and which numbers of each source, so that presence, absence and completeness can be proved.

mod count;
mod proof;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use self::count::Counter;
pub use self::proof::{CensusProof, RowProof};
pub use self::row::{CENSUS_FORMAT, CensusKey, CensusRow, SourceCount};
pub use self::table::{Census, CensusError};
