//! A signing or encryption key of the installation.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, Time, TypedColumn, column};

/// Algorithm: ed25519, aes256gcm, hmac_sha256.
pub const ALGORITHM: TypedColumn<Text> = column("key.algorithm");
/// Where the private key is kept: file, kms, hsm.
pub const CUSTODY: TypedColumn<Text> = column("key.custody");
/// Identifier of the key: the first 4 bytes of SHA-256 over name and public key, as in C2SP signed notes.
pub const ID: TypedColumn<Text> = column("key.id");
/// Name of the key.
pub const NAME: TypedColumn<Text> = column("key.name");
/// Public key, base64.
pub const PUBLIC_KEY: TypedColumn<Text> = column("key.public_key");
/// What it signs or encrypts: log, evidence, processor, governance, salt.
pub const PURPOSE: TypedColumn<Text> = column("key.purpose");
/// Why.
pub const REASON: TypedColumn<Text> = column("key.reason");
/// Identifier of the key that replaces it.
pub const SUCCESSOR: TypedColumn<Text> = column("key.successor");
/// From when it is used.
pub const VALID_FROM: TypedColumn<Time> = column("key.valid_from");
/// Until when it is used.
pub const VALID_UNTIL: TypedColumn<Time> = column("key.valid_until");
