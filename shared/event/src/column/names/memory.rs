//! A change of an agent's long-term memory.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, TypedColumn, column};

/// Content.
pub const CONTENT: TypedColumn<Text> = column("memory.content");
/// Digest of the record after the operation.
pub const DIGEST: TypedColumn<Text> = column("memory.digest");
/// Duration.
pub const DURATION_MS: TypedColumn<Float> = column("memory.duration_ms");
/// Digest of the record before the operation.
pub const FROM_DIGEST: TypedColumn<Text> = column("memory.from_digest");
/// Operation: create, update, upsert, delete, search.
pub const OPERATION: TypedColumn<Text> = column("memory.operation");
/// Memory record.
pub const RECORD_ID: TypedColumn<Text> = column("memory.record_id");
/// Records read or changed.
pub const RECORDS: TypedColumn<Int> = column("memory.records");
/// Run the content came from.
pub const SOURCE_RUN: TypedColumn<Text> = column("memory.source_run");
/// Memory store.
pub const STORE_ID: TypedColumn<Text> = column("memory.store_id");
