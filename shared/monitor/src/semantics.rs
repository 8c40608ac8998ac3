//! The version of the computation as a whole.

/// Version of the computation; part of every origin and of every snapshot. It grows when the same
/// records would give other outputs.
pub const SEMANTICS: i64 = 4;
