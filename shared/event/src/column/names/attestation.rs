//! A statement that a person signs, a review by management, a session with an auditor.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Texts, Time, TypedColumn, column};

/// Who audited.
pub const AUDITOR: TypedColumn<Text> = column("attestation.auditor");
/// Controls it refers to.
pub const CONTROLS: TypedColumn<Texts> = column("attestation.controls");
/// SHA-256 of the document behind it, hexadecimal.
pub const DOCUMENT_DIGEST: TypedColumn<Text> = column("attestation.document_digest");
/// When it must be renewed.
pub const EXPIRES_AT: TypedColumn<Time> = column("attestation.expires_at");
/// Framework it refers to, for example iso27001-2022.
pub const FRAMEWORK: TypedColumn<Text> = column("attestation.framework");
/// Identifier of the statement or session.
pub const ID: TypedColumn<Text> = column("attestation.id");
/// End of the period it covers, exclusive.
pub const PERIOD_END: TypedColumn<Time> = column("attestation.period_end");
/// Start of the period it covers, inclusive.
pub const PERIOD_START: TypedColumn<Time> = column("attestation.period_start");
/// Role of the signer.
pub const ROLE: TypedColumn<Text> = column("attestation.role");
/// Who made the statement.
pub const SIGNER: TypedColumn<Text> = column("attestation.signer");
/// The statement.
pub const STATEMENT: TypedColumn<Text> = column("attestation.statement");
/// What it is about, for example scope, competence or soa.
pub const TYPE: TypedColumn<Text> = column("attestation.type");
