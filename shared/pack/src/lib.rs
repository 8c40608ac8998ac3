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
//! - The same archive, scope and program give the same bytes.
//! - [`verify`] computes everything again: what is in the pack and does not follow from signed
//!   bytes (table, report, every count) is rendered again and compared byte by byte.
//! - Three answers, and each names its reason: VERIFIED, FAILED, UNVERIFIABLE.
//!
//! # What it does not do
//!
//! No I/O, no clock, no randomness, no logging: objects of the archive are arguments, and the
//! bytes of the pack are what it returns.

mod build;
mod container;
mod content;
mod csv;
mod derived;
mod html;
mod lines;
mod log;
mod place;
mod report;
mod rows;
mod scope;
mod summary;
mod verify;
mod wanted;
mod zip;

pub use self::build::{Need, PackBuilder, PackError};
pub use self::derived::PACK_FORMAT;
pub use self::report::{NOT_PROVEN, Report, Step};
pub use self::scope::{Scope, ScopeError, ScopeText};
pub use self::summary::{Covered, PartitionSummary, Summary};
pub use self::verify::verify;
