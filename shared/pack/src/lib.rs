//! Evidence packs (`schemas/evidence/pack.md`): one file about one agent and period, which anybody
//! can verify with nothing but the public keys.
//!
//! A pack holds all entries of the log, the censuses of all segments that touch the period, and all
//! rows of the agent in these segments with their places in the trees. So it shows not only that
//! each event was sealed, but that none is missing: the signed ranges of offsets are contiguous,
//! and each signed census says how many events of each kind the agent has.
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
mod report;
mod scope;
mod summary;
mod verify;
mod zip;

pub use self::build::{Need, PackBuilder, PackError};
pub use self::derived::PACK_FORMAT;
pub use self::report::{NOT_PROVEN, Report, Step};
pub use self::scope::{Scope, ScopeError, ScopeText};
pub use self::summary::Summary;
pub use self::verify::verify;
