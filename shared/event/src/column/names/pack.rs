//! Evidence packs and restores.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, Time, TypedColumn, column};

/// Agents it covers.
pub const AGENTS: TypedColumn<Texts> = column("pack.agents");
/// Controls it covers.
pub const CONTROLS: TypedColumn<Texts> = column("pack.controls");
/// SHA-256 of the pack or backup, hexadecimal.
pub const DIGEST: TypedColumn<Text> = column("pack.digest");
/// How long it took.
pub const DURATION_MS: TypedColumn<Float> = column("pack.duration_ms");
/// Events it holds.
pub const EVENTS: TypedColumn<Int> = column("pack.events");
/// Framework it was made for.
pub const FRAMEWORK: TypedColumn<Text> = column("pack.framework");
/// Root of that log, hexadecimal.
pub const LOG_ROOT: TypedColumn<Text> = column("pack.log_root");
/// Size of the transparency log it proves against.
pub const LOG_SIZE: TypedColumn<Int> = column("pack.log_size");
/// End of its period, exclusive.
pub const PERIOD_END: TypedColumn<Time> = column("pack.period_end");
/// Start of its period, inclusive.
pub const PERIOD_START: TypedColumn<Time> = column("pack.period_start");
/// Who it was made for.
pub const RECIPIENT: TypedColumn<Text> = column("pack.recipient");
/// Size.
pub const SIZE_BYTES: TypedColumn<Int> = column("pack.size_bytes");
/// Result of a verification or restore: verified, failed, unverifiable.
pub const VERDICT: TypedColumn<Text> = column("pack.verdict");
/// Program and version that verified it.
pub const VERIFIER: TypedColumn<Text> = column("pack.verifier");
/// Values withheld from it.
pub const WITHHELD: TypedColumn<Int> = column("pack.withheld");
