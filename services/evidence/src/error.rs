//! Why evidence could not be given.

use archive::ArchiveError;
use pack::PackError;
use segment::fault::{Distrust, Fault};
use segment::policy::PolicyError;
use segment::proof::ProveError;
use thiserror::Error;

/// Why evidence could not be given.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// An object could not be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The log of the archive does not hold, or the policy does not know who signed it.
    #[error("failed to read the log: {0}")]
    Log(Distrust),
    /// The archive has no log.
    #[error("failed to read the log: the archive has no commit; is this the archive's root?")]
    NoLog,
    /// The log holds no segment.
    #[error("nothing is sealed yet: the log holds no segment")]
    NothingSealed,
    /// No sealed event has the id.
    #[error("no sealed event has the id `{0}`; it may not be sealed yet")]
    NoEvent(String),
    /// The archive has none of the topics that were to be replayed.
    #[error(
        "nothing of the topic `{topic}` is sealed; the archive has: {}",
        if .found.is_empty() { "nothing".to_owned() } else { .found.join(", ") }
    )]
    NoTopic {
        /// Topic of the events.
        topic: String,
        /// Topics that are there.
        found: Vec<String>,
    },
    /// The event could not be proved.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The pack could not be made.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A file could not be read.
    #[error("failed to read `{path}`: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The policy is refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl From<Fault> for EvidenceError {
    fn from(fault: Fault) -> Self {
        Self::Log(fault.into())
    }
}

impl From<Distrust> for EvidenceError {
    fn from(distrust: Distrust) -> Self {
        Self::Log(distrust)
    }
}

impl EvidenceError {
    /// The exit code of commands: 3 if the policy does not know who signed, 2 if what was asked for
    /// is named wrongly, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Log(Distrust::Unverifiable(_))
            | Self::Pack(PackError::Distrust(Distrust::Unverifiable(_))) => 3,
            Self::NoTopic { .. } => 2,
            Self::Archive(_)
            | Self::Log(Distrust::Failed(_))
            | Self::NoLog
            | Self::NothingSealed
            | Self::NoEvent(_)
            | Self::Prove(_)
            | Self::Pack(_)
            | Self::File { .. }
            | Self::Policy(_) => 1,
        }
    }
}
