//! The roles of a process.

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Accepts events over HTTP and publishes them
    Collector,
    /// Computes metrics, detects drift, raises alerts
    Processor,
    /// Notifies receivers of alerts
    Notifier,
    /// Seals records into segments and the transparency log
    Sealer,
    /// Verifies the transparency log as it grows; takes acts over HTTP (the gateway)
    Evidence,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Processor => "processor",
            Self::Notifier => "notifier",
            Self::Sealer => "sealer",
            Self::Evidence => "evidence",
        }
    }
}
