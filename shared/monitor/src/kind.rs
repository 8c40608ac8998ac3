//! The kinds of events that the monitor distinguishes.

use event::Event;

use crate::columns::columns;

/// Kind of the events that change the settings.
pub(crate) const CONFIGURED: &str = "monitor.configured";

/// Kind of the events that record where a monitor without state began.
pub(crate) const STARTED: &str = "monitor.started";

/// What a person, or a release pipeline on their behalf, asks of the monitor.
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
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "drift.suppression.started" => Some(Self::SuppressionStarted),
            "drift.suppression.ended" => Some(Self::SuppressionEnded),
            "maintenance.started" => Some(Self::MaintenanceStarted),
            "maintenance.ended" => Some(Self::MaintenanceEnded),
            _ => None,
        }
    }
}

/// The kind of an event, as far as the computation distinguishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `run.completed`.
    Run,
    /// `tool.completed`.
    Tool,
    /// `tool.blocked`.
    ToolBlocked,
    /// `approval.decided`.
    Approval,
    /// `eval.result`.
    Eval,
    /// `agent.version.deployed`.
    Deployed,
    /// `agent.version.rolled_back`.
    RolledBack,
    /// Another event about a change of the agent: `change.*`, `agent.version.*`.
    Change,
    /// `monitor.tick`.
    Tick,
    /// `monitor.configured`.
    Configured,
    /// `monitor.started`: read by a replay; the computation ignores it.
    Started,
    /// `eval.suite.published`.
    Suite,
    /// `drift.suppression.*` or `maintenance.*`, as requested.
    Mute(Request),
    /// `drift.baseline.pinned`.
    Pinned,
    /// `drift.baseline.unpinned`.
    Unpinned,
    /// Anything else: keeps its key alive and contributes to no metric.
    Other,
}

impl Kind {
    pub(crate) fn of(event: &Event<'_>) -> Self {
        match event.text(columns().kind).unwrap_or_default() {
            "run.completed" => Self::Run,
            "tool.completed" => Self::Tool,
            "tool.blocked" => Self::ToolBlocked,
            "approval.decided" => Self::Approval,
            "eval.result" => Self::Eval,
            "agent.version.deployed" => Self::Deployed,
            "agent.version.rolled_back" => Self::RolledBack,
            "monitor.tick" => Self::Tick,
            STARTED => Self::Started,
            CONFIGURED => Self::Configured,
            suite::KIND => Self::Suite,
            "drift.baseline.pinned" => Self::Pinned,
            "drift.baseline.unpinned" => Self::Unpinned,
            kind if kind.starts_with("change.") || kind.starts_with("agent.version.") => {
                Self::Change
            }
            kind => Request::of(kind).map_or(Self::Other, Self::Mute),
        }
    }
}

/// Whether a status column says error; `None` without a status.
pub(crate) fn failed(status: Option<&str>) -> Option<bool> {
    status.map(|status| status == "error")
}
