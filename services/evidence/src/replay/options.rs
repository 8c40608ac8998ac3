//! What is replayed.

/// What is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOptions {
    /// Topic of the events.
    pub events: String,
    /// Topic of the windows.
    pub metrics: String,
    /// Topic of baselines and alerts.
    pub alerts: String,
    /// Whether segments are read without checking them: for an archive on which `fsck` ran just
    /// before. The log is verified all the same.
    pub trust_archive: bool,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            events: "agent.events".to_owned(),
            metrics: "driftseal.metrics".to_owned(),
            alerts: "driftseal.alerts".to_owned(),
            trust_archive: false,
        }
    }
}
