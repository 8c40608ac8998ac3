//! Evidence packs.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use archive::Archive;
use bytes::Bytes;
use event::ColumnId;
use merkle::note::SigningKey;
use pack::{Objects, Report, Request, Scope, Seekable, Trust};
use segment::fault::Judgement;
use segment::policy::Policy;

use crate::excerpt::{self, LogRead};
use crate::{EvidenceError, Progress, sealed};

/// Name and version of the program, in `pack.json`.
const GENERATOR: &str = concat!("driftseal ", env!("CARGO_PKG_VERSION"));

/// A pack, and what verifying it came to.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Size of the file.
    pub bytes: u64,
    /// The report of verifying it by the same policy. If it is not VERIFIED, there is no file.
    pub report: Report,
    /// How the log was read.
    pub read: LogRead,
}

/// What a pack is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What it is about.
    pub scope: Scope,
    /// Fields whose values it does not hold; all of them erasable.
    pub withheld: BTreeSet<ColumnId>,
}

impl From<Scope> for Wish {
    fn from(scope: Scope) -> Self {
        Self { scope, withheld: BTreeSet::new() }
    }
}

/// Writes the pack of an agent and period to a file, and verifies it. The same archive, wish and key
/// give the same bytes. Until it is verified it has another name. It costs what the period holds,
/// not what the log does, as long as the archive has its heads; memory does not grow with the pack.
///
/// # Errors
///
/// See [`EvidenceError`]: what the pack would need is not what was sealed, or cannot be read; or the
/// file cannot be written.
pub fn export(
    archive: &Archive,
    policy: &Policy,
    key: &SigningKey,
    wish: Wish,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exported, EvidenceError> {
    let found = excerpt::read(archive, policy, wish.scope.period(), progress)?;
    let request = Request {
        scope: wish.scope,
        withheld: wish.withheld,
        generator: GENERATOR,
        checkpoint: &found.checkpoint,
        excerpt: found.excerpt,
        policy,
        key,
    };
    let unfinished = Unfinished::new(out)?;
    let mut objects = Read { archive, progress };
    let file = pack::write(unfinished.open()?, request, &mut objects)?;
    progress(Progress { phase: "verifying the pack", done: 0, total: 1 });
    let failed = |error| unfinished.failed(error);
    file.sync_all().map_err(failed)?;
    let pack = Seekable::new(file).map_err(failed)?;
    let trust = Trust { policy: Some(policy), earlier: None };
    let report = pack::verify(&pack, trust);
    if report.verdict == Judgement::Verified {
        unfinished.publish(out)?;
    }
    progress(Progress { phase: "verifying the pack", done: 1, total: 1 });
    let bytes = report.file.as_ref().map_or(0, |file| file.bytes);
    Ok(Exported { bytes, report, read: found.read })
}

/// Objects of an archive.
struct Read<'a> {
    archive: &'a Archive,
    progress: &'a mut dyn FnMut(Progress),
}

impl Objects for Read<'_> {
    fn get(&mut self, path: &str, size_bytes: u64) -> Result<Bytes, String> {
        sealed::read(self.archive, path, size_bytes).map_err(|error| error.to_string())
    }

    fn progress(&mut self, done: u64, total: u64) {
        (self.progress)(Progress { phase: "collecting events", done, total });
    }
}

/// A file under another name, removed unless it is published.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(out: &Path) -> Result<Self, EvidenceError> {
        let mut name = out.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
        if name.is_empty() {
            let error = std::io::Error::other("it is not the name of a file");
            return Err(EvidenceError::File { path: out.display().to_string(), error });
        }
        name.push(".part");
        Ok(Self(out.with_file_name(name)))
    }

    fn failed(&self, error: std::io::Error) -> EvidenceError {
        EvidenceError::File { path: self.0.display().to_string(), error }
    }

    fn open(&self) -> Result<File, EvidenceError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        options.open(&self.0).map_err(|error| self.failed(error))
    }

    fn publish(&self, out: &Path) -> Result<(), EvidenceError> {
        fs::rename(&self.0, out).map_err(|error| self.failed(error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Once it is published there is none of that name; if it cannot be removed, its name says
        // what it is.
        let _gone_or_published = fs::remove_file(&self.0);
    }
}
