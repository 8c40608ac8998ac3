//! Who emitted the event, numbered so that a loss is visible.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, TypedColumn, column};

/// Incarnation of the producer; a restart begins a new one.
pub const EPOCH: TypedColumn<Int> = column("source.epoch");
/// Producer instance.
pub const ID: TypedColumn<Text> = column("source.id");
/// Number of the event within source and epoch, from 0, without gaps.
pub const SEQ: TypedColumn<Int> = column("source.seq");
