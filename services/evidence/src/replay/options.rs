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
    /// Most outputs that were found sealed and are remembered, of each of the two output partitions. A
    /// row that comes back to an earlier one takes a second pass.
    pub outputs_max: usize,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            events: "agent.events".to_owned(),
            metrics: "driftseal.metrics".to_owned(),
            alerts: "driftseal.alerts".to_owned(),
            trust_archive: false,
            outputs_max: 262_144,
        }
    }
}
