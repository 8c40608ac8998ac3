//! One call of a tool: its intent, its result, or that it was blocked.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Int, Text, TypedColumn, column};

/// Digest of operation, target and arguments.
pub const ACTION_DIGEST: TypedColumn<Text> = column("tool.action_digest");
/// Approval the call was made under.
pub const APPROVAL_ID: TypedColumn<Text> = column("tool.approval_id");
/// Arguments.
pub const ARGUMENTS: TypedColumn<Text> = column("tool.arguments");
/// Digest of the arguments.
pub const ARGUMENTS_DIGEST: TypedColumn<Text> = column("tool.arguments_digest");
/// Identifier of the call.
pub const CALL_ID: TypedColumn<Text> = column("tool.call_id");
/// Where data goes.
pub const DESTINATION: TypedColumn<Text> = column("tool.destination");
/// Duration in milliseconds.
pub const DURATION_MS: TypedColumn<Float> = column("tool.duration_ms");
/// Class of the error.
pub const ERROR_TYPE: TypedColumn<Text> = column("tool.error_type");
/// Tool.
pub const NAME: TypedColumn<Text> = column("tool.name");
/// Policy decision that let it pass or stopped it.
pub const POLICY_DECISION: TypedColumn<Text> = column("tool.policy_decision");
/// Whether the call needs privileged access.
pub const PRIVILEGED: TypedColumn<Bool> = column("tool.privileged");
/// Result.
pub const RESULT: TypedColumn<Text> = column("tool.result");
/// Digest of the result.
pub const RESULT_DIGEST: TypedColumn<Text> = column("tool.result_digest");
/// Calls repeated before this one.
pub const RETRIES: TypedColumn<Int> = column("tool.retries");
/// Digest of the tool's schema.
pub const SCHEMA_DIGEST: TypedColumn<Text> = column("tool.schema_digest");
/// MCP server that offers the tool.
pub const SERVER: TypedColumn<Text> = column("tool.server");
/// Digest of the server's tool definitions.
pub const SERVER_DIGEST: TypedColumn<Text> = column("tool.server_digest");
/// read, write, destructive or external.
pub const SIDE_EFFECT: TypedColumn<Text> = column("tool.side_effect");
/// ok or error.
pub const STATUS: TypedColumn<Text> = column("tool.status");
/// Kind of tool.
pub const TYPE: TypedColumn<Text> = column("tool.type");
