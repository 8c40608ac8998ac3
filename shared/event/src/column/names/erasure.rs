//! Erasure of personal data: the request and what was done.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, Texts, Time, TypedColumn, column};

/// Legal basis: consent_withdrawn, objection, no_longer_needed, unlawful, legal_duty.
pub const BASIS: TypedColumn<Text> = column("erasure.basis");
/// SHA-256 of the erasure certificate, hexadecimal.
pub const CERTIFICATE_DIGEST: TypedColumn<Text> = column("erasure.certificate_digest");
/// Columns of which values were erased.
pub const COLUMNS: TypedColumn<Texts> = column("erasure.columns");
/// When it must be done.
pub const DUE_AT: TypedColumn<Time> = column("erasure.due_at");
/// Identifier of the request.
pub const ID: TypedColumn<Text> = column("erasure.id");
/// Entry of the transparency log that records it.
pub const LOG_ENTRY: TypedColumn<Int> = column("erasure.log_entry");
/// Why it was refused.
pub const REASON: TypedColumn<Text> = column("erasure.reason");
/// Number of salts destroyed.
pub const SALTS_DESTROYED: TypedColumn<Int> = column("erasure.salts_destroyed");
/// Segments that were rewritten.
pub const SEGMENTS: TypedColumn<Texts> = column("erasure.segments");
/// Pseudonymous handle of the data subject.
pub const SUBJECT_REF: TypedColumn<Text> = column("erasure.subject_ref");
/// Number of values erased.
pub const VALUES: TypedColumn<Int> = column("erasure.values");
