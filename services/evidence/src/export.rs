//! Evidence packs.

use archive::Archive;
use bytes::Bytes;
use pack::{Need, PackBuilder, Report, Scope};
use segment::policy::Policy;

use crate::excerpt::{self, LogRead};
use crate::{EvidenceError, Progress};

/// Name and version of the program, in `pack.json`.
const GENERATOR: &str = concat!("driftseal ", env!("CARGO_PKG_VERSION"));

/// A pack, and what verifying it came to.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The zip file. The same archive and scope give the same bytes.
    pub pack: Bytes,
    /// The report of verifying it by the same policy.
    pub report: Report,
    /// How the log was read.
    pub read: LogRead,
}

/// Makes the pack of an agent and period, and verifies it. The pack is in memory as a whole. It costs
/// what the period holds, not what the log does, as long as the archive has its heads.
///
/// # Errors
///
/// See [`EvidenceError`]: what the pack would need is not what was sealed, or cannot be read.
pub fn export(
    archive: &Archive,
    policy: &Policy,
    scope: &Scope,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exported, EvidenceError> {
    let found = excerpt::read(archive, policy, scope.period(), progress)?;
    let mut builder = PackBuilder::new(scope.clone(), GENERATOR, &found.checkpoint, found.excerpt)?;
    let total = builder.segments() as u64;
    while let Some((census, parquet)) = builder.next_segment() {
        let (census, parquet) = (census.to_owned(), parquet.to_owned());
        if builder.add_census(&archive.get(&census)?)? == Need::Parquet {
            builder.add_segment(&archive.get(&parquet)?)?;
        }
        let done = builder.segments_done() as u64;
        progress(Progress { phase: "collecting events", done, total });
    }
    let pack = builder.finish(policy)?;
    progress(Progress { phase: "verifying the pack", done: 0, total: 1 });
    let report = pack::verify(&pack, Some(policy));
    progress(Progress { phase: "verifying the pack", done: 1, total: 1 });
    Ok(Exported { pack, report, read: found.read })
}
