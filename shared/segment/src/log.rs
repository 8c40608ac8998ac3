//! The log as writers keep it (`schemas/segment/log.md`).
//!
//! A commit is refused unless it continues the log in every respect: its number, the size before
//! it, the signature and root of its checkpoint, the signature of each entry, and the chain of
//! manifests of each partition. Tiles, entry bundles and the published checkpoint follow from the
//! commits, and so do the heads, from which the log can be resumed without reading it all.

mod commit;
mod ends;
mod error;
mod head;
mod inclusion;
mod key;
mod search;
mod state;
mod subtrees;
mod tiles;

pub use commit::{COMMIT_FORMAT, Commit, ENTRIES_MAX};
pub use ends::ChainEnd;
pub use error::CommitError;
pub use head::{HEAD_FORMAT, HEAD_PAYLOAD_TYPE, Head, HeadError};
pub use inclusion::InclusionTiles;
pub use key::LogKey;
pub use search::{first_where, last_commit};
pub use state::{Applied, AppliedEntry, LogState, Planned, ResumeError};
pub use subtrees::{SubtreeTiles, TileId};
pub use tiles::DerivedObject;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::example;
