//! The signature of an act: what a person or a pipeline decided, in the governance topic. A record there without a valid one has no effect.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bytes, Text, TypedColumn, column};

/// 32 hexadecimal digits, random; an act has an effect once, however often it is copied.
pub const NONCE: TypedColumn<Text> = column("governance.nonce");
/// Ed25519 signature of the gateway; shared/governance/README.md has the message.
pub const SIGNATURE: TypedColumn<Bytes> = column("governance.signature");
/// Key of the signature: its name, +, and 8 hexadecimal digits of its identifier.
pub const SIGNED_BY: TypedColumn<Text> = column("governance.signed_by");
