//! The first entry of a log: whose log it is, and of which topics.

use merkle::hash;
use merkle::note::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ManifestError;
use super::statement::{self, Subject};

pub(super) const KIND: &str = "installation";

/// A topic of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledTopic {
    /// Full name, with the prefix.
    pub name: String,
    /// Number of partitions; `None` if the topic did not exist yet.
    pub partitions: Option<i32>,
}

/// What a key of an installation signs beside the log's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Acts of people and pipelines.
    Governance,
    /// Records of the notifier: outcomes, and that the monitor is dead or back.
    Notifier,
    /// Records of the processor in the partitions that it owns, and alerts.
    Processor,
}

impl KeyUse {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Governance, Self::Notifier, Self::Processor];

    /// Its name, in policies and entries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Governance => "governance",
            Self::Notifier => "notifier",
            Self::Processor => "processor",
        }
    }
}

/// A key of an installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledKey {
    /// Its text, as in a policy.
    pub key: String,
    /// What it signs.
    #[serde(rename = "use")]
    pub used_for: KeyUse,
}

/// What a log is for. An installation is identified by the origin of its log and its topic prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Identity of the cluster that the records are read from.
    pub cluster: String,
    /// Prefix of the names of its topics; may be empty.
    pub topic_prefix: String,
    /// The topics that are sealed, ascending by name.
    pub topics: Vec<InstalledTopic>,
    /// The keys whose signatures count in its topics, ascending by text.
    pub keys: Vec<InstalledKey>,
}

/// The first entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationManifest {
    /// Origin of the log that begins.
    pub log: String,
    /// What it is for.
    pub installation: Installation,
    /// The key that signs its checkpoints, by name, and the SHA-256 of its text: the subject.
    pub key: Subject,
    /// Name and version of the program that created the log.
    pub program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Predicate {
    cluster: String,
    keys: Vec<InstalledKey>,
    kind: String,
    log: String,
    program: String,
    topic_prefix: String,
    topics: Vec<InstalledTopic>,
}

impl InstallationManifest {
    /// The entry that begins a log, whose origin is the name of its key.
    #[must_use]
    pub fn new(key: &VerifyingKey, installation: Installation, program: &str) -> Self {
        let vkey = key.to_vkey();
        Self {
            log: key.name().to_owned(),
            installation,
            key: Subject { name: key.name().to_owned(), sha256: hash::sha256(vkey.as_bytes()) },
            program: program.to_owned(),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let predicate = Predicate {
            cluster: self.installation.cluster.clone(),
            keys: self.installation.keys.clone(),
            kind: KIND.to_owned(),
            log: self.log.clone(),
            program: self.program.clone(),
            topic_prefix: self.installation.topic_prefix.clone(),
            topics: self.installation.topics.clone(),
        };
        statement::to_bytes(predicate, std::slice::from_ref(&self.key))
    }

    pub(super) fn parse(value: Value) -> Result<Self, ManifestError> {
        let (predicate, subjects) = statement::open::<Predicate>(value)?;
        let [key] = <[Subject; 1]>::try_from(subjects)
            .map_err(|_| ManifestError::form("its subject is not one key"))?;
        statement::expect(&predicate.log, &key.name)?;
        let installation = Installation {
            cluster: predicate.cluster,
            topic_prefix: predicate.topic_prefix,
            topics: predicate.topics,
            keys: predicate.keys,
        };
        installation.check().map_err(ManifestError::form)?;
        Ok(Self { log: predicate.log, installation, key, program: predicate.program })
    }
}

impl Installation {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.cluster.is_empty() {
            return Err("the cluster has no id");
        }
        if self.topics.is_empty() {
            return Err("it names no topic");
        }
        if !self.topics.is_sorted_by(|one, next| one.name < next.name) {
            return Err("the topics do not ascend");
        }
        if self.topics.iter().any(|topic| !topic.name.starts_with(&self.topic_prefix)) {
            return Err("a topic does not begin with the prefix");
        }
        if !self.keys.is_sorted_by(|one, next| one.key < next.key) {
            return Err("the keys do not ascend");
        }
        if self.keys.iter().any(|key| VerifyingKey::parse(&key.key).is_err()) {
            return Err("a key is none");
        }
        if self.topics.iter().any(|topic| topic.partitions.is_some_and(|count| count < 1)) {
            return Err("a topic has no partition");
        }
        Ok(())
    }

    /// Texts of the keys of a use.
    pub fn keys_for(&self, used_for: KeyUse) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(move |key| key.used_for == used_for).map(|key| key.key.as_str())
    }

    /// The topic of that name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&InstalledTopic> {
        self.topics.iter().find(|topic| topic.name == name)
    }
}
