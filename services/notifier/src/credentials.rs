//! Whom the notifier believes, and by which key it is believed.

use governance::Trust;
use merkle::note::SigningKey;

/// Whom the notifier believes, and by which key others believe it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The installation and its valid keys.
    pub trust: Trust,
    /// The key that signs the notifier's own records.
    pub key: SigningKey,
}
