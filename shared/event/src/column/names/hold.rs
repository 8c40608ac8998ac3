//! A legal hold: records that must not be deleted or erased.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Texts, Time, TypedColumn, column};

/// Agents whose records are held; all if empty.
pub const AGENTS: TypedColumn<Texts> = column("hold.agents");
/// Case it belongs to.
pub const CASE_ID: TypedColumn<Text> = column("hold.case_id");
/// Who is responsible for it.
pub const CUSTODIAN: TypedColumn<Text> = column("hold.custodian");
/// Identifier of the hold.
pub const ID: TypedColumn<Text> = column("hold.id");
/// End of the period held, exclusive.
pub const PERIOD_END: TypedColumn<Time> = column("hold.period_end");
/// Start of the period held, inclusive.
pub const PERIOD_START: TypedColumn<Time> = column("hold.period_start");
/// Why.
pub const REASON: TypedColumn<Text> = column("hold.reason");
