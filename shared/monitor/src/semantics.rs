//! The version of the computation as a whole.

/// Version of the computation; part of every origin and of every snapshot. It is raised when the
/// same records would give different outputs.
pub const SEMANTICS: i64 = 8;
