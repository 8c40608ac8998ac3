//! The outcome of telling a receiver about a step in the life of an alert.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, TypedColumn, column};

/// Identifier of the episode.
pub const ALERT_ID: TypedColumn<Text> = column("notification.alert_id");
/// Requests made, the last one included; 0 if none was.
pub const ATTEMPTS: TypedColumn<Int> = column("notification.attempts");
/// What the receiver or the connection said, shortened.
pub const DETAIL: TypedColumn<Text> = column("notification.detail");
/// Why it failed: refused, exhausted, expired or overflow.
pub const REASON: TypedColumn<Text> = column("notification.reason");
/// SHA-256 of the body of the last request, hexadecimal.
pub const REQUEST_DIGEST: TypedColumn<Text> = column("notification.request_digest");
/// Name of the receiver in the configuration of the notifier.
pub const SINK: TypedColumn<Text> = column("notification.sink");
/// HTTP status of the last answer; null without an answer.
pub const STATUS_CODE: TypedColumn<Int> = column("notification.status_code");
/// firing, acknowledged or resolved.
pub const STEP: TypedColumn<Text> = column("notification.step");
/// Suppression because of which the receiver was not told.
pub const SUPPRESSED_BY: TypedColumn<Text> = column("notification.suppressed_by");
