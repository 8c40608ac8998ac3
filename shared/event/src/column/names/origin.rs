//! For a computed event: the record whose processing produced it.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, TypedColumn, column};

/// Offset of the input record.
pub const OFFSET: TypedColumn<Int> = column("origin.offset");
/// Number of the output among all outputs of that record, from 0.
pub const ORDINAL: TypedColumn<Int> = column("origin.ordinal");
/// Partition of the input record.
pub const PARTITION: TypedColumn<Int> = column("origin.partition");
/// Version of the computation.
pub const SEMANTICS: TypedColumn<Int> = column("origin.semantics");
/// Topic of the input record.
pub const TOPIC: TypedColumn<Text> = column("origin.topic");
