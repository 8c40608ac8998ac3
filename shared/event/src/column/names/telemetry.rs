//! What a program said of itself, where no convention says what it means.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Text, TypedColumn, column};

/// What was logged.
pub const BODY: TypedColumn<Text> = column("telemetry.body");
/// Duration.
pub const DURATION_MS: TypedColumn<Float> = column("telemetry.duration_ms");
/// Class of the error.
pub const ERROR_TYPE: TypedColumn<Text> = column("telemetry.error_type");
/// Name of the span, or of the event that was logged.
pub const NAME: TypedColumn<Text> = column("telemetry.name");
/// Severity of a log record, as it was written.
pub const SEVERITY: TypedColumn<Text> = column("telemetry.severity");
/// Outcome: ok, error.
pub const STATUS: TypedColumn<Text> = column("telemetry.status");
/// Kind of the span: internal, server, client, producer, consumer, or as its convention names it.
pub const TYPE: TypedColumn<Text> = column("telemetry.type");
