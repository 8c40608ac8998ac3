//! Producers, their completeness and their clocks.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, TypedColumn, column};

/// How it authenticates.
pub const AUTH_METHOD: TypedColumn<Text> = column("producer.auth_method");
/// Cause of a gap.
pub const CAUSE: TypedColumn<Text> = column("producer.cause");
/// Events that arrived more than once.
pub const DUPLICATES: TypedColumn<Int> = column("producer.duplicates");
/// Kinds it is expected to emit.
pub const EXPECTED_KINDS: TypedColumn<Texts> = column("producer.expected_kinds");
/// First number of the range.
pub const FIRST_SEQ: TypedColumn<Int> = column("producer.first_seq");
/// Epoch of the source in which numbers are missing.
pub const GAP_EPOCH: TypedColumn<Int> = column("producer.gap_epoch");
/// Interval at which heartbeats are promised.
pub const HEARTBEAT_INTERVAL_MS: TypedColumn<Float> = column("producer.heartbeat_interval_ms");
/// Last number of the range.
pub const LAST_SEQ: TypedColumn<Int> = column("producer.last_seq");
/// Numbers missing.
pub const MISSING: TypedColumn<Int> = column("producer.missing");
/// Producer.
pub const NAME: TypedColumn<Text> = column("producer.name");
/// Milliseconds by which its clock leads.
pub const SKEW_MS: TypedColumn<Float> = column("producer.skew_ms");
