//! Where the configured archive is: opened by commands at once, by roles when it is there.

use archive::{Archive, ArchiveError, Options};
use tokio::runtime::{Handle, Runtime};

use crate::Config;
use crate::outcome::Failure;

/// The place of the configured archive.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    url: String,
    options: Options,
    runtime: Handle,
}

impl Place {
    pub(crate) fn of(config: &Config, runtime: &Runtime) -> Self {
        let (archive, runtime) = (&config.archive, runtime.handle().clone());
        Self { url: archive.url.clone(), options: archive.options(), runtime }
    }

    /// Opens the archive; `Absent` if it is not there.
    pub(crate) fn open(&self) -> Result<Archive, ArchiveError> {
        Archive::open_with(&self.url, &self.options, self.runtime.clone())
    }
}

/// Opens the configured archive, which must exist.
pub(crate) fn open_archive(config: &Config, runtime: &Runtime) -> Result<Archive, Failure> {
    Place::of(config, runtime).open().map_err(|error| {
        Failure::new(format!("{error}; create the archive and its log with `driftseal log init`"))
    })
}
