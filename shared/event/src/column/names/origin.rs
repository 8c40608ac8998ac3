//! For a computed event: the record whose processing produced it.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, TypedColumn, column};

/// Offset of the input record.
pub const OFFSET: TypedColumn<Int> = column("origin.offset");
/// Number of the output: those of that record about the same metric are numbered from 0; that times 256, plus the place of the metric in the list of metrics from 1, or 0 if it is about none.
pub const ORDINAL: TypedColumn<Int> = column("origin.ordinal");
/// Partition of the input record.
pub const PARTITION: TypedColumn<Int> = column("origin.partition");
/// Version of the computation but for its metrics and detectors, which have versions of their own (monitor.metrics, monitor.detectors).
pub const SEMANTICS: TypedColumn<Int> = column("origin.semantics");
/// Topic of the input record.
pub const TOPIC: TypedColumn<Text> = column("origin.topic");
