//! Evidence packs (`schemas/evidence/pack.md`): one file about one agent and period, which anybody
//! can verify with nothing but the public keys.
//!
//! A pack holds the entries of the log that decide about the period ([`segment::excerpt`]), the
//! censuses of all segments that touch it, and all rows of the agent in these segments with their
//! places in the trees. So it shows not only that each event was sealed, but that none is missing:
//! no other segment can touch the period, and each signed census says how many events of each kind
//! the agent has. Its size is that of what was asked for, not of the log.
//!
//! # Promise
//!
//! - The same archive, scope, key and program give the same bytes.
//! - [`verify`] computes everything again: what is in the pack and does not follow from signed
//!   bytes (tables, report, every count) is rendered again and compared byte by byte.
//! - Whatever reads the Parquet files sees the same rows: they have one form (`schemas/evidence/parquet.md`).
//! - Memory is bounded whatever a pack holds or claims: a file of events, a line, and some hundred
//!   bytes for each segment of the period.
//! - Three answers, and each names its reason: VERIFIED, FAILED, UNVERIFIABLE.
//!
//! # What it does not do
//!
//! No file, no network, no clock, no randomness, no logging: objects of the archive come from
//! [`Objects`], and the pack goes where the caller says.

mod counts;
mod coverage;
mod csv;
mod document;
mod earlier;
mod facts;
mod fields;
mod hide;
mod html;
mod judge;
mod lines;
mod log;
mod names;
mod parts;
mod place;
mod report;
mod rows;
mod same;
mod scope;
mod signature;
mod similar;
mod story;
mod table;
mod verify;
mod wanted;
mod write;
mod zip;

pub use self::counts::Counts;
pub use self::coverage::{Covered, PartitionCoverage};
pub use self::document::PACK_FORMAT;
pub use self::earlier::Earlier;
pub use self::facts::{Facts, LogFacts};
pub use self::judge::{Judged, checkpoint_in, document, judge};
pub use self::report::{Keys, NOT_PROVEN, PackFile, Report, Step, Verified};
pub use self::scope::{Scope, ScopeError, ScopeText};
pub use self::similar::SimilarName;
pub use self::story::{Decisions, Item, List, Story};
pub use self::table::check_parquet;
pub use self::verify::{Trust, verify};
pub use self::write::{Objects, PackError, Request, write};
pub use self::zip::{PackBytes, Seekable};
