//! Numbers of the columns that are read, looked up once. What is not listed here decides nothing.

use std::sync::LazyLock;

use event::{ColumnId, schema};

macro_rules! columns {
    ($($name:ident = $path:literal),* $(,)?) => {
        #[derive(Debug)]
        pub(crate) struct Columns {
            $(pub(crate) $name: ColumnId,)*
        }

        impl Columns {
            fn contains(&self, column: ColumnId) -> bool {
                [$(self.$name),*].contains(&column)
            }
        }

        static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
            let id = |path: &str| {
                schema().id(path).unwrap_or_else(|| panic!("schemas/events: no column {path}"))
            };
            Columns { $($name: id($path),)* }
        });
    };
}

columns! {
    actor_id = "actor.id",
    agent_from_version = "agent.from_version",
    agent_id = "agent_id",
    agent_prompt_digest = "agent.prompt_digest",
    agent_prompt_name = "agent.prompt_name",
    agent_to_digest = "agent.to_digest",
    agent_to_version = "agent.to_version",
    agent_traffic_share = "agent.traffic_share",
    agent_version = "agent_version",
    approval_outcome = "approval.outcome",
    approval_time_to_decision_ms = "approval.time_to_decision_ms",
    change_from_version = "change.from_version",
    change_id = "change.id",
    change_to_digest = "change.to_digest",
    change_to_version = "change.to_version",
    change_type = "change.type",
    drift_alert_id = "drift.alert_id",
    drift_from = "drift.from",
    drift_metric = "drift.metric",
    drift_severity = "drift.severity",
    drift_suite = "drift.suite",
    drift_suppressed_by = "drift.suppressed_by",
    drift_suppression_id = "drift.suppression_id",
    drift_until = "drift.until",
    environment = "environment",
    eval_passed = "eval.passed",
    eval_score = "eval.score",
    eval_suite = "eval.suite",
    event_id = "event_id",
    event_time = "event_time",
    kind = "kind",
    maintenance_from = "maintenance.from",
    maintenance_id = "maintenance.id",
    maintenance_until = "maintenance.until",
    monitor_id = "monitor.id",
    monitor_idle = "monitor.idle",
    monitor_next_offset = "monitor.next_offset",
    monitor_read_until = "monitor.read_until",
    monitor_settings = "monitor.settings",
    run_cost_usd = "run.cost_usd",
    run_duration_ms = "run.duration_ms",
    run_id = "run_id",
    run_input_tokens = "run.input_tokens",
    run_output_chars = "run.output_chars",
    run_output_tokens = "run.output_tokens",
    run_refused = "run.refused",
    run_status = "run.status",
    run_steps = "run.steps",
    tenant_id = "tenant_id",
    tool_duration_ms = "tool.duration_ms",
    tool_name = "tool.name",
    tool_status = "tool.status",
    version_digest = "version_digest",
}

pub(crate) fn columns() -> &'static Columns {
    &COLUMNS
}

/// Whether the computation itself reads a column; a suite may read others.
pub(crate) fn reads(column: ColumnId) -> bool {
    COLUMNS.contains(column)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_column_exists() {
        assert_eq!(super::columns().kind, event::schema().id("kind").unwrap());
    }

    #[test]
    fn what_is_not_listed_is_not_read() {
        let reads = |path: &str| super::reads(event::schema().id(path).unwrap());
        assert!(reads("run.status") && reads("tenant_id"));
        assert!(!reads("attributes"));
    }
}
