//! Retention of sealed records.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, Texts, Time, TypedColumn, column};

/// Agents it covers; all if empty.
pub const AGENTS: TypedColumn<Texts> = column("retention.agents");
/// Records older than this were deleted.
pub const BEFORE: TypedColumn<Time> = column("retention.before");
/// Longest time records are kept.
pub const DAYS_MAX: TypedColumn<Int> = column("retention.days_max");
/// Shortest time records are kept.
pub const DAYS_MIN: TypedColumn<Int> = column("retention.days_min");
/// Events that were deleted.
pub const EVENTS: TypedColumn<Int> = column("retention.events");
/// Families of kinds it covers; all if empty.
pub const FAMILIES: TypedColumn<Texts> = column("retention.families");
/// Retention policy.
pub const POLICY_ID: TypedColumn<Text> = column("retention.policy_id");
/// Why.
pub const REASON: TypedColumn<Text> = column("retention.reason");
/// Segments that were deleted.
pub const SEGMENTS: TypedColumn<Texts> = column("retention.segments");
/// Holds because of which segments were kept.
pub const SKIPPED_HOLDS: TypedColumn<Texts> = column("retention.skipped_holds");
