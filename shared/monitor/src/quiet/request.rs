//! The events that ask for quiet.

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// `drift.suppression.started`.
    SuppressionStarted,
    /// `drift.suppression.ended`.
    SuppressionEnded,
    /// `maintenance.started`.
    MaintenanceStarted,
    /// `maintenance.ended`.
    MaintenanceEnded,
}

impl Request {
    /// What an event of that kind asks for, if it asks for anything.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        match kind {
            "drift.suppression.started" => Some(Self::SuppressionStarted),
            "drift.suppression.ended" => Some(Self::SuppressionEnded),
            "maintenance.started" => Some(Self::MaintenanceStarted),
            "maintenance.ended" => Some(Self::MaintenanceEnded),
            _ => None,
        }
    }
}
