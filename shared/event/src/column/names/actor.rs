//! Who acted.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, TypedColumn, column};

/// How the identity was authenticated: oidc, mtls, sasl, token or none.
pub const AUTHN: TypedColumn<Text> = column("actor.authn");
/// Name of the credential that was shown, where one was: of a token or a certificate.
pub const CREDENTIAL: TypedColumn<Text> = column("actor.credential");
/// verified, self_reported, inferred or absent.
pub const EVIDENCE_LEVEL: TypedColumn<Text> = column("actor.evidence_level");
/// Identity of the actor.
pub const ID: TypedColumn<Text> = column("actor.id");
/// agent, human, service or schedule.
pub const TYPE: TypedColumn<Text> = column("actor.type");
