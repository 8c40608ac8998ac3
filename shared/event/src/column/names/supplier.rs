//! A provider of models or services that agents depend on.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Texts, Time, TypedColumn, column};

/// Certifications that were presented.
pub const CERTIFICATIONS: TypedColumn<Texts> = column("supplier.certifications");
/// How the service would be replaced.
pub const EXIT_PLAN: TypedColumn<Text> = column("supplier.exit_plan");
/// Identifier of the supplier.
pub const ID: TypedColumn<Text> = column("supplier.id");
/// Model that is used.
pub const MODEL: TypedColumn<Text> = column("supplier.model");
/// Name.
pub const NAME: TypedColumn<Text> = column("supplier.name");
/// Result of a review: approved, conditional, rejected.
pub const RATING: TypedColumn<Text> = column("supplier.rating");
/// Region in which data is processed.
pub const REGION: TypedColumn<Text> = column("supplier.region");
/// When it must be reviewed again.
pub const REVIEW_DUE: TypedColumn<Time> = column("supplier.review_due");
/// Who reviewed it.
pub const REVIEWER: TypedColumn<Text> = column("supplier.reviewer");
/// Service that is used.
pub const SERVICE: TypedColumn<Text> = column("supplier.service");
/// Sub-processors.
pub const SUBPROCESSORS: TypedColumn<Texts> = column("supplier.subprocessors");
/// Digest of the terms.
pub const TERMS_DIGEST: TypedColumn<Text> = column("supplier.terms_digest");
