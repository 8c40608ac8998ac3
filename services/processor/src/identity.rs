//! Who a processor is: its key, and the installation that it works for.

use governance::{Id, Purpose, Trust};
use merkle::note::SigningKey;
use ports::mark::{self, MarkKey};
use service::RoleError;

/// The key of a processor, and the installation with the keys that are valid in it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Signs what the processor writes.
    pub key: SigningKey,
    /// The installation and its keys.
    pub trust: Trust,
}

impl Identity {
    /// Makes the marks of last records.
    pub(crate) fn marks(&self) -> MarkKey {
        MarkKey::new(&self.key.sign_bytes(mark::SIGNED))
    }

    /// Nobody obeys a processor whose key is not valid.
    pub(crate) fn check(&self) -> Result<(), RoleError> {
        let own = self.key.verifier();
        if self.trust.keys(Purpose::Processor).contains(&own) {
            return Ok(());
        }
        Err(RoleError::Start(format!(
            "the key `{}` is not among the processor's keys of the installation; its policy.txt must \
             have the line `processor {}`",
            own.name(),
            own.to_vkey()
        )))
    }
}

/// A random identifier.
pub(crate) fn draw() -> Result<Id, RoleError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| RoleError::Start(format!("no random bytes: {error}")))?;
    Ok(Id::from_bytes(bytes))
}
