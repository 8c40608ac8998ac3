//! Does the store create objects only if they are absent?

use bytes::Bytes;

use crate::archive::Archive;
use crate::error::ArchiveError;

/// The object that is tried. It belongs to no format and may be deleted at any time.
const PROBE: &str = "probe/create-if-absent";

/// What it holds. Two values, so that an overwrite is seen.
const VALUES: [&[u8]; 2] = [b"driftseal probe 1\n", b"driftseal probe 2\n"];

impl Archive {
    /// Checks that the store refuses to create an object that exists. Without that, two sealers
    /// could replace each other's commits.
    ///
    /// # Errors
    ///
    /// `Unconditional` if the store creates it all the same; otherwise as [`Self::put_new`] and
    /// [`Self::get`]. Calling it again is safe.
    pub fn check_create_if_absent(&self) -> Result<(), ArchiveError> {
        let [first, second] = VALUES.map(Bytes::from_static);
        match self.put_new(PROBE, first.clone()) {
            Ok(()) | Err(ArchiveError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error),
        }
        let before = self.get(PROBE)?;
        let other = if before == first { second } else { first };
        let unconditional = || ArchiveError::Unconditional { location: self.location().to_owned() };
        match self.put_new(PROBE, other) {
            Ok(()) => return Err(unconditional()),
            Err(ArchiveError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error),
        }
        if self.get(PROBE)? == before { Ok(()) } else { Err(unconditional()) }
    }
}
