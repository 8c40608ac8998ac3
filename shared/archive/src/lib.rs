//! The archive: where sealed segments and the transparency log are kept.
//!
//! [`Archive`] is a blocking face of an object store, made for role threads: immutable objects,
//! created only if absent ([`Archive::put_new`]), and a few that are replaced whole
//! ([`Archive::put`]).
//!
//! # Promise
//!
//! - An object is there whole or not at all, whoever dies in the middle.
//! - When [`Archive::put_new`] or [`Archive::put`] has returned `Ok`, the object survives power
//!   loss; an object that [`Archive::put_new`] reports as existing survives it too. The local
//!   store of `object_store` promises neither, so [`DurableLocal`] syncs files and directories
//!   itself, in an order that a simulated power loss checks step by step.
//! - Of several writers that create the same object exactly one gets `Ok`.
//! - One public suite, [`conformance::suite`], defines all of this; memory, local directory and
//!   the fault-injecting wrapper of [`faulty`] pass it.
//!
//! # What it does not do
//!
//! It never retries: after [`ArchiveError::Unavailable`] the caller does not know whether a write
//! happened, and only the caller knows whether that matters. It knows no format and no path.

mod archive;
pub mod conformance;
mod durable;
mod error;
pub mod faulty;
mod files;
mod location;
mod options;
mod probe;
mod s3;

pub use archive::{Archive, Creation, ObjectInfo};
pub use durable::DurableLocal;
pub use error::ArchiveError;
pub use options::Options;
