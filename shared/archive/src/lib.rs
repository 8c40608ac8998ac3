//! The archive: where sealed segments and the transparency log are stored.
//!
//! [`Archive`] is a blocking interface to an object store, for role threads. It is located by a
//! URL: `file:///directory` or a plain path, `s3://bucket/prefix` (cargo feature `s3`), or
//! `memory:///`. Objects are immutable and created only if absent ([`Archive::put_new`],
//! [`Archive::create_object`]), but for a few that are replaced as a whole ([`Archive::put`]).
//! They are read whole or by range ([`Archive::get_range`]), and listed from a position
//! ([`Archive::list_after`]).
//!
//! # Promise
//!
//! - An object exists as a whole or not at all, whenever a writer dies.
//! - When [`Archive::put_new`] or [`Archive::put`] has returned `Ok`, the object survives power
//!   loss; an object that [`Archive::put_new`] reports as existing survives it too. The local
//!   store of `object_store` promises neither, so files and directories are synced here, in an
//!   order that a simulated power loss checks step by step.
//! - Of several writers that create the same object exactly one succeeds, and
//!   [`Archive::create_object`] tells each of them who, also after a lost answer. A store that
//!   does not create conditionally is detected by [`Archive::check_create_if_absent`].
//! - One public suite, [`conformance::suite`], defines all of this; memory, local directory, S3
//!   and the fault-injecting wrapper of [`faulty`] pass it.
//!
//! # What S3 adds
//!
//! - A request that fails in passing (5xx, throttling, a lost connection where repeating is safe)
//!   is repeated with exponential backoff and jitter, bounded by [`Options::retries_max`] and
//!   [`Options::retry_timeout`], and logged. After that it is [`ArchiveError::Unavailable`].
//! - `409 Conflict` means that nothing is decided yet, not that the object exists; it is repeated
//!   like a 503, and so is `412` to a request that sets no condition.
//! - Credentials come from where Amazon's tools look for them: the environment, a profile of the
//!   shared files (`~/.aws`), web identity, the container's role, the instance's role. What is
//!   looked at in vain is named; values are never shown.
//! - Large objects are uploaded in parts; an upload that fails is aborted. A process that dies
//!   during an upload leaves its parts behind, invisible but stored: a lifecycle rule of the bucket
//!   (`AbortIncompleteMultipartUpload`) removes them.
//! - A listing may lag. Nothing that must be correct may depend on one.
//!
//! # What it does not do
//!
//! Beyond that it never retries: after [`ArchiveError::Unavailable`] the caller does not know
//! whether a write happened, and only the caller knows whether that matters. It knows no format
//! and no path but that of its probe.

mod archive;
pub mod conformance;
mod durable;
mod error;
pub mod faulty;
mod files;
mod location;
mod options;
mod probe;
pub mod profile;
mod s3;
mod writing;

pub use archive::{Archive, Creation, ObjectInfo};
pub use error::ArchiveError;
pub use location::location_problem;
pub use options::Options;
