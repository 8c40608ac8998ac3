//! What the gateway works with.

use std::sync::Arc;

use governance::{Installation, Trust};
use merkle::note::SigningKey;
use ports::{EventLog, TopicSpec};
use service::access::Gate;

use super::config::Config;

/// Names of the topics of an installation.
#[derive(Debug, Clone)]
pub struct Topics {
    /// Where acts are published.
    pub governance: String,
    /// Where the monitor answers.
    pub alerts: String,
}

/// What the gateway works with.
#[derive(Debug)]
pub struct Parts {
    /// Its settings.
    pub config: Config,
    /// What is required before a version is deployed.
    pub ready: super::ready::Config,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Its topics.
    pub topics: Topics,
    /// The topics that `POST /v1/topics` creates.
    pub specs: Vec<TopicSpec>,
    /// The key that signs acts.
    pub key: SigningKey,
    /// The installation that acts are signed for.
    pub installation: Installation,
    /// Whose records are believed.
    pub trust: Trust,
    /// Who may ask.
    pub gate: Arc<Gate>,
}
