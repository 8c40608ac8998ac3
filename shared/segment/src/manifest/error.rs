//! Why a manifest is refused.

use merkle::dsse;
use thiserror::Error;

/// Most bytes of an envelope: the limit of a log entry.
pub const ENVELOPE_BYTES_MAX: usize = 65_535;

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The envelope is refused, or not signed by a known key.
    #[error("manifest: {0}")]
    Envelope(dsse::DsseError),
    /// Not a manifest in its exact form.
    #[error("not a manifest: {0}")]
    Form(String),
    /// The envelope would be larger than a log entry.
    #[error("failed to sign a manifest: {0} bytes are more than {ENVELOPE_BYTES_MAX}")]
    TooLarge(usize),
}

impl ManifestError {
    pub(super) fn form(detail: impl Into<String>) -> Self {
        Self::Form(detail.into())
    }
}
