//! A retrieval corpus, its versions and its documents.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, TypedColumn, column};

/// Change that covers the version.
pub const CHANGE_ID: TypedColumn<Text> = column("corpus.change_id");
/// Classification of the documents.
pub const DATA_CLASS: TypedColumn<Text> = column("corpus.data_class");
/// Merkle root over the documents, hexadecimal.
pub const DIGEST: TypedColumn<Text> = column("corpus.digest");
/// SHA-256 of a document, hexadecimal.
pub const DOCUMENT_DIGEST: TypedColumn<Text> = column("corpus.document_digest");
/// Identifier of a document.
pub const DOCUMENT_ID: TypedColumn<Text> = column("corpus.document_id");
/// Number of documents.
pub const DOCUMENTS: TypedColumn<Int> = column("corpus.documents");
/// Digest of the version before.
pub const FROM_DIGEST: TypedColumn<Text> = column("corpus.from_digest");
/// Identifier of the corpus.
pub const ID: TypedColumn<Text> = column("corpus.id");
/// Licence of the documents.
pub const LICENCE: TypedColumn<Text> = column("corpus.licence");
/// Accountable owner.
pub const OWNER: TypedColumn<Text> = column("corpus.owner");
/// Places in which personal data was found.
pub const PII_FINDINGS: TypedColumn<Int> = column("corpus.pii_findings");
/// Result of the scan for personal data: clean, found, not_run.
pub const PII_SCAN: TypedColumn<Text> = column("corpus.pii_scan");
/// Result of a quality check.
pub const QUALITY_SCORE: TypedColumn<Float> = column("corpus.quality_score");
/// How long documents are kept.
pub const RETENTION_DAYS: TypedColumn<Int> = column("corpus.retention_days");
/// Where the documents come from.
pub const SOURCE: TypedColumn<Text> = column("corpus.source");
