//! The installation, and the keys that are valid in it.

use std::fmt;

use merkle::note::{KeyError, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::message::Message;

/// Domain of the digest that tells installations apart.
const INSTALLATION: &str = "driftseal/installation/v1";
/// Bytes of that digest in a name.
const TAG_BYTES: usize = 8;

/// Most keys of a purpose.
const KEYS_MAX: usize = 16;

/// An installation: nothing that one signs means anything in another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Installation {
    /// Origin of its transparency log, such as `log.example.com/agents`.
    pub origin: String,
    /// Prefix of the names of its topics; may be empty.
    pub topic_prefix: String,
}

impl Installation {
    /// What tells it from others on the same cluster: the first 16 hexadecimal digits of the SHA-256 of
    /// its origin and prefix.
    #[must_use]
    pub fn tag(&self) -> String {
        let message = Message::new(INSTALLATION).text(&self.origin).text(&self.topic_prefix);
        let digest = Sha256::digest(message.as_bytes());
        digest.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The name of something of its own on a cluster, such as a consumer group:
    /// `<topic prefix><name>.<tag>`.
    #[must_use]
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}.{}", self.topic_prefix, self.tag())
    }
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Own records of the processor, and alerts.
    Processor,
    /// Acts.
    Governance,
    /// Records of the notifier: outcomes, and that the monitor is dead or back.
    Notifier,
}

impl Purpose {
    /// Its name: in policies, in the installation entry, and of the file of the secret key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Governance => "governance",
            Self::Notifier => "notifier",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TrustError {
    /// A text that is no key.
    #[error("the {purpose} key `{text}`: {error}")]
    Key {
        /// What the key signs.
        purpose: Purpose,
        /// Its text.
        text: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Too many keys.
    #[error("there are {0} {1} keys; at most {KEYS_MAX} are accepted")]
    TooMany(usize, Purpose),
}

/// An installation and its valid keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Texts", into = "Texts")]
pub struct Trust {
    installation: Installation,
    processor: Vec<VerifyingKey>,
    governance: Vec<VerifyingKey>,
    notifier: Vec<VerifyingKey>,
}

impl Trust {
    /// Keys as their texts (`<name>+<8 hexadecimal digits>+<base64>`), as in a policy and in the
    /// installation entry.
    ///
    /// # Errors
    ///
    /// See [`TrustError`].
    pub fn parse<T: AsRef<str>>(
        installation: Installation,
        processor: impl IntoIterator<Item = T>,
        governance: impl IntoIterator<Item = T>,
    ) -> Result<Self, TrustError> {
        Ok(Self {
            installation,
            processor: keys(Purpose::Processor, processor)?,
            governance: keys(Purpose::Governance, governance)?,
            notifier: Vec::new(),
        })
    }

    /// The same with keys of the notifier.
    ///
    /// # Errors
    ///
    /// See [`TrustError`].
    pub fn with_notifiers<T: AsRef<str>>(
        mut self,
        notifier: impl IntoIterator<Item = T>,
    ) -> Result<Self, TrustError> {
        self.notifier = keys(Purpose::Notifier, notifier)?;
        Ok(self)
    }

    /// An installation without any valid key: everything is refused.
    #[must_use]
    pub const fn nobody(installation: Installation) -> Self {
        Self { installation, processor: Vec::new(), governance: Vec::new(), notifier: Vec::new() }
    }

    /// The installation.
    #[must_use]
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The keys of a purpose.
    #[must_use]
    pub fn keys(&self, purpose: Purpose) -> &[VerifyingKey] {
        match purpose {
            Purpose::Processor => &self.processor,
            Purpose::Governance => &self.governance,
            Purpose::Notifier => &self.notifier,
        }
    }

    /// The valid key that `signed_by` names.
    pub(crate) fn key(&self, purpose: Purpose, signed_by: &str) -> Option<&VerifyingKey> {
        let (name, id) = signed_by.rsplit_once('+')?;
        self.keys(purpose).iter().find(|key| key.name() == name && key.key_id_hex() == id)
    }
}

/// How an event names a key.
pub(crate) fn name_of(key: &VerifyingKey) -> String {
    format!("{}+{}", key.name(), key.key_id_hex())
}

fn keys<T: AsRef<str>>(
    purpose: Purpose,
    texts: impl IntoIterator<Item = T>,
) -> Result<Vec<VerifyingKey>, TrustError> {
    let parse = |text: T| {
        let text = text.as_ref();
        VerifyingKey::parse(text).map_err(|error| {
            let text = text.chars().take(200).collect();
            TrustError::Key { purpose, text, error }
        })
    };
    let keys: Vec<VerifyingKey> = texts.into_iter().map(parse).collect::<Result<_, _>>()?;
    if keys.len() > KEYS_MAX {
        return Err(TrustError::TooMany(keys.len(), purpose));
    }
    Ok(keys)
}

/// How it is saved.
#[derive(Serialize, Deserialize)]
struct Texts {
    installation: Installation,
    processor: Vec<String>,
    governance: Vec<String>,
    notifier: Vec<String>,
}

impl From<Trust> for Texts {
    fn from(Trust { installation, processor, governance, notifier }: Trust) -> Self {
        let texts = |keys: Vec<VerifyingKey>| keys.iter().map(VerifyingKey::to_vkey).collect();
        Self {
            installation,
            processor: texts(processor),
            governance: texts(governance),
            notifier: texts(notifier),
        }
    }
}

impl TryFrom<Texts> for Trust {
    type Error = TrustError;

    fn try_from(texts: Texts) -> Result<Self, TrustError> {
        let Texts { installation, processor, governance, notifier } = texts;
        Self::parse(installation, processor, governance)?.with_notifiers(notifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_installations_have_a_name_in_common() {
        let installation = |origin: &str, topic_prefix: &str| Installation {
            origin: origin.to_owned(),
            topic_prefix: topic_prefix.to_owned(),
        };
        let first = installation("log.example.com/agents", "");
        assert_eq!(first.named("driftseal-sealer"), "driftseal-sealer.1a408a20e17747f7");
        let others = [
            installation("log.example.com/agents", "t."),
            installation("log.example.com/other", ""),
            // The same characters, parted elsewhere.
            installation("log.example.com/agent", "s"),
        ];
        let mut names: Vec<_> =
            others.iter().map(|other| other.named("driftseal-sealer")).collect();
        names.push(first.named("driftseal-sealer"));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert!(names.iter().any(|name| name.starts_with("t.driftseal-sealer.")));
    }
}
