//! The name of this program in what it signs.

/// Name and version in manifests.
pub(crate) const PROGRAM: &str = concat!("driftseal-sealer/", env!("CARGO_PKG_VERSION"));

/// Name of the role.
pub(crate) const NAME: &str = "sealer";
