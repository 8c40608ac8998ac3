//! The kinds of events that the monitor distinguishes.

use event::typed::Text;
use event::{Event, TypedColumn, column, kind, schema};

/// Kind of the events that change the settings.
pub(crate) const CONFIGURED: &str = kind::MONITOR_CONFIGURED;

/// Kind of the events that record where a monitor started without state.
pub(crate) const STARTED: &str = kind::MONITOR_STARTED;

/// A request of a person, or of a release pipeline on their behalf.
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
    /// The request of an event of this kind, if it is one.
    fn of(kind: &str) -> Option<Self> {
        match kind {
            kind::DRIFT_SUPPRESSION_STARTED => Some(Self::SuppressionStarted),
            kind::DRIFT_SUPPRESSION_ENDED => Some(Self::SuppressionEnded),
            kind::MAINTENANCE_STARTED => Some(Self::MaintenanceStarted),
            kind::MAINTENANCE_ENDED => Some(Self::MaintenanceEnded),
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
    /// `monitor.started`: an owner takes over.
    Started,
    /// `monitor.admitted`: acts take effect.
    Admitted,
    /// `monitor.schemas`: what is known of the schemas of other writers.
    Schemas,
    /// `eval.suite.published`.
    Suite,
    /// `drift.suppression.*` or `maintenance.*`, as requested.
    Mute(Request),
    /// `drift.baseline.pinned`.
    Pinned,
    /// `drift.baseline.unpinned`.
    Unpinned,
    /// Anything else: it keeps its key alive, and contributes to no metric.
    Other,
}

impl Kind {
    pub(crate) fn of(event: &Event<'_>) -> Self {
        match event.text(column::KIND).unwrap_or_default() {
            kind::RUN_COMPLETED => Self::Run,
            kind::TOOL_COMPLETED => Self::Tool,
            kind::TOOL_BLOCKED => Self::ToolBlocked,
            kind::APPROVAL_DECIDED => Self::Approval,
            kind::EVAL_RESULT => Self::Eval,
            kind::AGENT_VERSION_DEPLOYED => Self::Deployed,
            kind::AGENT_VERSION_ROLLED_BACK => Self::RolledBack,
            kind::MONITOR_TICK => Self::Tick,
            STARTED => Self::Started,
            kind::MONITOR_ADMITTED => Self::Admitted,
            kind::MONITOR_SCHEMAS => Self::Schemas,
            CONFIGURED => Self::Configured,
            suite::KIND => Self::Suite,
            kind::DRIFT_BASELINE_PINNED => Self::Pinned,
            kind::DRIFT_BASELINE_UNPINNED => Self::Unpinned,
            kind if is_about_a_change(kind) => Self::Change,
            kind => Request::of(kind).map_or(Self::Other, Self::Mute),
        }
    }
}

impl Kind {
    /// Whether only the owner of the partition writes events of this kind.
    pub(crate) const fn is_own(self) -> bool {
        matches!(self, Self::Tick | Self::Configured | Self::Started | Self::Admitted)
    }
}

/// Includes kinds that later releases add. Looking them up in the schema would cost every event.
fn is_about_a_change(kind: &str) -> bool {
    kind.split_once('.').is_some_and(|(family, _)| family == "change")
        || kind.starts_with("agent.version.")
}

/// The allowed value of a column that an event names, by its own name or an alias; `None` without a
/// value, and for a text that is none of them: it is neither success nor failure.
pub(crate) fn value_of<'e>(event: &'e Event<'_>, column: TypedColumn<Text>) -> Option<&'e str> {
    schema().column(column.id()).allowed(event.text(column)?)
}

/// Whether a status is `error` rather than `ok`; `None` for any other, and without one.
pub(crate) fn failed(event: &Event<'_>, status: TypedColumn<Text>) -> Option<bool> {
    match value_of(event, status)? {
        "error" => Some(true),
        "ok" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn is_decision(kind: Kind) -> bool {
        match kind {
            Kind::Deployed | Kind::RolledBack | Kind::Change => true,
            Kind::Suite | Kind::Mute(_) | Kind::Pinned | Kind::Unpinned => true,
            Kind::Run | Kind::Tool | Kind::ToolBlocked | Kind::Approval | Kind::Eval => false,
            Kind::Tick | Kind::Configured | Kind::Started | Kind::Admitted => false,
            Kind::Schemas | Kind::Other => false,
        }
    }

    #[test]
    fn what_has_an_effect_as_an_act_is_a_decision_and_nothing_else_is() {
        for known in schema().kinds() {
            let event = event::EventBuilder::new(&known.name)
                .set(column::EVENT_ID, "e")
                .set(column::EVENT_TIME, event::Timestamp::from_micros(0))
                .build()
                .unwrap();
            let kind = Kind::of(&event);
            assert_eq!(is_decision(kind), governance::has_effect(&known.name), "{}", known.name);
            assert!(!kind.is_own() || known.name.starts_with("monitor."), "{}", known.name);
        }
    }
}
