//! An incident from opening to review.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Texts, Time, TypedColumn, column};

/// Corrective actions.
pub const ACTIONS: TypedColumn<Texts> = column("incident.actions");
/// Agents affected.
pub const AGENTS: TypedColumn<Texts> = column("incident.agents");
/// Alert it came from.
pub const ALERT_ID: TypedColumn<Text> = column("incident.alert_id");
/// Authority or customer that was notified.
pub const AUTHORITY: TypedColumn<Text> = column("incident.authority");
/// When the organisation became aware.
pub const AWARENESS_AT: TypedColumn<Time> = column("incident.awareness_at");
/// When its effect was stopped.
pub const CONTAINED_AT: TypedColumn<Time> = column("incident.contained_at");
/// When it must be notified.
pub const DEADLINE: TypedColumn<Time> = column("incident.deadline");
/// Identifier of the incident.
pub const ID: TypedColumn<Text> = column("incident.id");
/// Change that corrects it.
pub const LINKED_CHANGE: TypedColumn<Text> = column("incident.linked_change");
/// When it was notified.
pub const NOTIFIED_AT: TypedColumn<Time> = column("incident.notified_at");
/// When it began.
pub const OCCURRED_AT: TypedColumn<Time> = column("incident.occurred_at");
/// Who leads the response.
pub const OWNER: TypedColumn<Text> = column("incident.owner");
/// Root cause.
pub const ROOT_CAUSE: TypedColumn<Text> = column("incident.root_cause");
/// Runs affected.
pub const RUNS: TypedColumn<Texts> = column("incident.runs");
/// Severity: critical, major, minor, info.
pub const SEVERITY: TypedColumn<Text> = column("incident.severity");
/// How it was noticed: alert, person, agent, customer.
pub const SOURCE: TypedColumn<Text> = column("incident.source");
/// What happened.
pub const SUMMARY: TypedColumn<Text> = column("incident.summary");
/// Short description.
pub const TITLE: TypedColumn<Text> = column("incident.title");
/// Agent versions affected.
pub const VERSIONS: TypedColumn<Texts> = column("incident.versions");
