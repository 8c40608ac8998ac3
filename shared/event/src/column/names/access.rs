//! Who may do what: rights that are granted, reviewed, used against the archive and withdrawn.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, Texts, Time, TypedColumn, column};

/// Identity that approved the grant.
pub const APPROVER: TypedColumn<Text> = column("access.approver");
/// Identifier of a credential, never its secret.
pub const CREDENTIAL_ID: TypedColumn<Text> = column("access.credential_id");
/// Type of credential: token, certificate, key, password.
pub const CREDENTIAL_TYPE: TypedColumn<Text> = column("access.credential_type");
/// Outcome of a review: keep, change, revoke.
pub const DECISION: TypedColumn<Text> = column("access.decision");
/// When the right or credential expires.
pub const EXPIRES_AT: TypedColumn<Time> = column("access.expires_at");
/// Identifier of the grant, the denial or the read.
pub const ID: TypedColumn<Text> = column("access.id");
/// Identity that holds or asked for the right.
pub const PRINCIPAL: TypedColumn<Text> = column("access.principal");
/// Type of the principal: agent, human, service, schedule.
pub const PRINCIPAL_TYPE: TypedColumn<Text> = column("access.principal_type");
/// What the records were read for.
pub const PURPOSE: TypedColumn<Text> = column("access.purpose");
/// SHA-256 of the query text, hexadecimal.
pub const QUERY_DIGEST: TypedColumn<Text> = column("access.query_digest");
/// Why.
pub const REASON: TypedColumn<Text> = column("access.reason");
/// Resource that the right is about: a topic, an archive, a tool, a role.
pub const RESOURCE: TypedColumn<Text> = column("access.resource");
/// Identity that reviewed the right.
pub const REVIEWER: TypedColumn<Text> = column("access.reviewer");
/// What may be done: read, write, approve, administer, execute.
pub const RIGHT: TypedColumn<Text> = column("access.right");
/// Role through which the right is held.
pub const ROLE: TypedColumn<Text> = column("access.role");
/// Rows that were read.
pub const ROWS: TypedColumn<Int> = column("access.rows");
/// Tenants, agents or families that a credential is limited to.
pub const SCOPE: TypedColumn<Texts> = column("access.scope");
/// Segments that were read.
pub const SEGMENTS: TypedColumn<Texts> = column("access.segments");
