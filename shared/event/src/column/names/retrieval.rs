//! One retrieval from a corpus.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, TypedColumn, column};

/// Access labels of the documents.
pub const ACCESS_LABELS: TypedColumn<Texts> = column("retrieval.access_labels");
/// Digest of the corpus version.
pub const CORPUS_DIGEST: TypedColumn<Text> = column("retrieval.corpus_digest");
/// Corpus.
pub const CORPUS_ID: TypedColumn<Text> = column("retrieval.corpus_id");
/// Digests of the documents, in the same order.
pub const DOCUMENT_DIGESTS: TypedColumn<Texts> = column("retrieval.document_digests");
/// Documents found, best first.
pub const DOCUMENT_IDS: TypedColumn<Texts> = column("retrieval.document_ids");
/// Documents found.
pub const DOCUMENTS: TypedColumn<Int> = column("retrieval.documents");
/// Duration.
pub const DURATION_MS: TypedColumn<Float> = column("retrieval.duration_ms");
/// Class of the error.
pub const ERROR_TYPE: TypedColumn<Text> = column("retrieval.error_type");
/// Query.
pub const QUERY: TypedColumn<Text> = column("retrieval.query");
/// SHA-256 of the query, hexadecimal.
pub const QUERY_DIGEST: TypedColumn<Text> = column("retrieval.query_digest");
/// Scores of the documents as decimal text, in the same order.
pub const SCORES: TypedColumn<Texts> = column("retrieval.scores");
/// Outcome: ok, error.
pub const STATUS: TypedColumn<Text> = column("retrieval.status");
/// Documents asked for.
pub const TOP_K: TypedColumn<Int> = column("retrieval.top_k");
