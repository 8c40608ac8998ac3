//! The sealer: makes every record of the sealed topics part of a transparency log.
//!
//! # Promise
//!
//! - Every record is sealed exactly once, in contiguous ranges of offsets, whatever fails and
//!   however many sealers run at once. What it does not understand it seals as quarantine.
//! - The position of a partition is where the transparency log says that its sealed part ends.
//!   Positions in the event log are advisory.
//! - Order of a seal, and what is left if the process dies after a step:
//!
//! | step | left behind |
//! |---|---|
//! | put segment | an orphan that nobody reads; the range is sealed again, and then the orphan is removed |
//! | read it back, compute leaves and root again from the stored bytes | the same |
//! | put census | two orphans |
//! | sign manifest, create the next commit object if absent | **the segment is sealed** |
//! | tiles, entry bundles | written by the next start |
//! | checkpoint | written by the next start |
//! | head | the next start reads a commit more |
//! | positions in the event log | nothing that matters |
//!
//! - Two sealers of one partition fence each other by that creation: the loser reads the log
//!   again, lets go of what was sealed meanwhile and goes on behind it.
//! - After an unclear answer to a commit its object is read and, if absent, created again with the
//!   same bytes. A commit whose outcome stays unknown ends everything that is under way; the start
//!   that follows reads the truth.
//! - A store that does not create objects only if absent is refused, by [`init_log`] and by every
//!   start.
//! - Memory is bounded by [`Config::buffer_bytes_max`], and about as much again as the records of
//!   one segment while it is built.
//!
//! # What it does not do
//!
//! It does not create a log ([`init_log`] is an explicit act), skip what the event log has lost
//! ([`Config::lost_records`]), erase, or witness. Nothing here reads the environment or arguments.

mod config;
mod error;
mod init;
mod installation;
mod keys;
mod ledger;
mod meters;
mod orphans;
mod program;
mod readings;
mod retry;
mod role_keys;
mod rotate;
mod shell;
mod store;
mod topics;

use std::cell::Cell;
use std::sync::Arc;

use archive::{Archive, ArchiveError};
use ports::EventLog;
use service::Shutdown;
use service::role::Failure as _;

pub use config::{Config, LostRecords};
pub use error::RunError;
pub use init::{InitError, init_log};
pub use installation::describe;
pub use keys::{Keys, KeysError, load_evidence_key, load_key};
pub use ledger::Rebuilt;
pub use role_keys::RoleKeys;
pub use rotate::{RotateError, Rotated, rotate_key, rotate_key_without_log};
pub use segment::manifest::{Installation, SignerUse};

/// What a permanent failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permanent {
    /// It ends the role: whoever supervises the process hears of it.
    Ends,
    /// It ends the role only at its first start, and only if the configuration is wrong. Otherwise it is logged, makes
    /// the role not ready, and is tried again with pauses of up to half a minute: the process has other
    /// roles, which go on.
    Waits,
}

/// Seals until a shutdown is asked for, then what is published at that moment
/// ([`Config::drain_on_shutdown`]). After a failure that may pass it starts again from the log, for as
/// long as it takes: also when the archive is full, read-only or gone. Blocks its thread,
/// which must not be one of an async runtime.
///
/// # Errors
///
/// See [`RunError`]. Starting again is always safe.
pub fn run(
    config: Config,
    log: Arc<dyn EventLog>,
    archive: Archive,
    keys: Keys,
    shutdown: Shutdown,
) -> Result<(), RunError> {
    run_with(config, log, || Ok(archive.clone()), keys, Permanent::Ends, shutdown)
}

/// As [`run`], with an archive that may not be there yet: `open` is called until it succeeds once.
///
/// # Errors
///
/// As [`run`]; with [`Permanent::Waits`] only what is wrong with the configuration, and a failure that lasts
/// when the shutdown comes.
pub fn run_with(
    config: Config,
    log: Arc<dyn EventLog>,
    mut open: impl FnMut() -> Result<Archive, ArchiveError>,
    keys: Keys,
    permanent: Permanent,
    shutdown: Shutdown,
) -> Result<(), RunError> {
    let (attempts, has_begun) = (Cell::new(0_u32), Cell::new(false));
    let is_first = || attempts.get() <= 1 && !has_begun.get();
    let mut opened = None;
    let mut begin = || {
        let archive = match opened.take() {
            Some(archive) => archive,
            None => open()?,
        };
        let archive = opened.insert(archive);
        let (config, log, keys) = (config.clone(), Arc::clone(&log), keys.clone());
        let clock = Box::new(service::clock::now_ms);
        shell::Shell::start(config, log, archive, keys, &shutdown, clock)
    };
    let start = || {
        attempts.set(attempts.get().saturating_add(1));
        let begun = begin().map_err(|error| error.of_the_archive(is_first()));
        has_begun.set(has_begun.get() || begun.is_ok());
        begun
    };
    let ends = |error: &RunError| match permanent {
        Permanent::Ends => !error.may_pass(),
        Permanent::Waits => is_first() && error.is_misconfigured(),
    };
    service::role::run_until(shell::pace(&config), &shutdown, start, ends)
}

/// Writes again what is missing of what follows from the commits of a transparency log: tiles and
/// entry bundles, the checkpoint, heads, of any age. Every commit is read and verified; `progress` is
/// told the number of each and of the last one. Safe while sealers run. What stands there is left alone: `fsck` compares
/// it.
///
/// # Errors
///
/// See [`RunError`].
pub fn rebuild(
    archive: &Archive,
    keys: &Keys,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Rebuilt, RunError> {
    let retry = retry::Retry::new(&Config::default(), Shutdown::new());
    ledger::Ledger::rebuild(archive, keys, &retry, progress)
}
