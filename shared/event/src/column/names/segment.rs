//! The archive about itself: segments, checkpoints and their anchors.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, Texts, TypedColumn, column};

/// Anchor: witness, rfc3161.
pub const ANCHOR: TypedColumn<Text> = column("segment.anchor");
/// Witness or time-stamping authority.
pub const ANCHOR_NAME: TypedColumn<Text> = column("segment.anchor_name");
/// SHA-256 of its token, hexadecimal.
pub const ANCHOR_TOKEN_DIGEST: TypedColumn<Text> = column("segment.anchor_token_digest");
/// First offset.
pub const FIRST_OFFSET: TypedColumn<Int> = column("segment.first_offset");
/// Root of the log, hexadecimal.
pub const LOG_ROOT: TypedColumn<Text> = column("segment.log_root");
/// Size of the transparency log after it.
pub const LOG_SIZE: TypedColumn<Int> = column("segment.log_size");
/// Offset after the last record.
pub const NEXT_OFFSET: TypedColumn<Int> = column("segment.next_offset");
/// Partition of its records.
pub const PARTITION: TypedColumn<Int> = column("segment.partition");
/// Object of the segment.
pub const PATH: TypedColumn<Text> = column("segment.path");
/// Number of records.
pub const RECORDS: TypedColumn<Int> = column("segment.records");
/// Objects it replaces.
pub const REPLACES: TypedColumn<Texts> = column("segment.replaces");
/// Root of its tree, hexadecimal.
pub const ROOT: TypedColumn<Text> = column("segment.root");
/// Size of the object.
pub const SIZE_BYTES: TypedColumn<Int> = column("segment.size_bytes");
/// Topic of its records.
pub const TOPIC: TypedColumn<Text> = column("segment.topic");
