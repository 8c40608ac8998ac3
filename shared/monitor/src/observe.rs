//! What an event means to the monitor.

use event::Event;

use crate::columns::columns;
use crate::quiet::Request;

/// Kind of the events that change the settings.
pub(crate) const CONFIGURED: &str = "monitor.configured";

/// Kind of the events that say where a monitor without a state began.
pub(crate) const STARTED: &str = "monitor.started";

/// Kinds that are told apart.
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
    /// `monitor.started`: said to whoever computes it again; nothing depends on it here.
    Started,
    /// `eval.suite.published`.
    Suite,
    /// `drift.suppression.*` or `maintenance.*`, as they are asked for.
    Quiet(Request),
    /// `drift.baseline.pinned`.
    Pinned,
    /// `drift.baseline.unpinned`.
    Unpinned,
    /// Anything else: it shows that its key is alive, and fills no pane.
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
            kind => Request::of(kind).map_or(Self::Other, Self::Quiet),
        }
    }
}

/// Whether a status column says error; `None` without a status.
pub(crate) fn failed(status: Option<&str>) -> Option<bool> {
    status.map(|status| status == "error")
}
