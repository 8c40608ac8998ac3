//! Evidence from an archive: check it whole, prove one event, export a pack, verify one, recompute
//! what was computed. [`role`] follows the log of an archive; [`gateway`] takes acts over HTTP.
//!
//! The decisions are in [`segment`] and [`monitor`]; here are reading and threads. Everything blocks its thread;
//! what takes long reports progress through a callback, which is called on the calling thread.
//!
//! # Promise
//!
//! - Nothing is written to the archive.
//! - Whatever the archive holds gives a report or an error, never a panic. An object that cannot be
//!   *read* (network, permissions) is an error; an object that is *wrong* is a finding.
//! - Who is believed comes from a [`Policy`], never from the archive.

mod consistency;
mod error;
mod excerpt;
mod export;
mod fsck;
pub mod gateway;
mod index;
mod log;
mod prove;
mod quarantine;
mod replay;
pub mod role;
mod sealed;
mod segments;
mod verify;

pub use consistency::consistency;
pub use error::EvidenceError;
pub use excerpt::LogRead;
pub use export::{Exported, Wish, export};
pub use fsck::fsck;
pub use log::{Log, read_log};
pub use prove::{Wanted, prove};
pub use quarantine::{Quarantined, quarantined};
pub use replay::{Found, PartitionReplay, ReplayOptions, ReplayReport, replay};
pub use segments::segments;
pub use verify::{read_checkpoint, read_consistency, read_policy, verify_file};

pub use monitor::replay::{Difference, Doubt, NotCompared, Origin, Outcome, Part, Subject, What};
pub use pack::{Earlier, Judged, Report as PackReport, Scope, ScopeError, Trust};
pub use segment::consistency::Consistency;
pub use segment::excerpt::Period;
pub use segment::fault::{Fault, Judgement};
pub use segment::fsck::{Progress as FsckProgress, Report as FsckReport};
pub use segment::manifest::SegmentManifest;
pub use segment::policy::{Policy, PolicyError};
pub use segment::proof::{EventProof, ProofReport};

/// How far a long piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being done, for example `reading the log`.
    pub phase: &'static str,
    /// Units done.
    pub done: u64,
    /// Units there are, as far as is known.
    pub total: u64,
}
