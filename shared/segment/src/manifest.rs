//! What is signed of an entry of the log (`schemas/segment/manifest.md`): an in-toto Statement as
//! RFC 8785 bytes, signed in a DSSE envelope. One type for each kind of entry.

mod amendment;
mod entry;
mod error;
mod installation;
mod key;
mod segment;
mod statement;

pub use amendment::{Amendment, AmendmentKind};
pub use entry::{Manifest, OpenedManifest, PAYLOAD_TYPE, UnknownManifest};
pub use error::{ENVELOPE_BYTES_MAX, ManifestError};
pub use installation::{Installation, InstallationManifest, InstalledKey, InstalledTopic, KeyUse};
pub use key::{KeyManifest, SignerUse};
pub use segment::{HeadRef, SegmentManifest};
pub use statement::{PREDICATE_TYPE, Subject};

#[cfg(test)]
mod tests;
