//! A setting that changed.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Text, TypedColumn, column};

/// Change that covers it.
pub const CHANGE_ID: TypedColumn<Text> = column("config.change_id");
/// Role or system whose setting it is.
pub const COMPONENT: TypedColumn<Text> = column("config.component");
/// Setting, as a dotted path.
pub const KEY: TypedColumn<Text> = column("config.key");
/// Digest of the value after.
pub const NEW_DIGEST: TypedColumn<Text> = column("config.new_digest");
/// Digest of the value before; values themselves may be secret.
pub const OLD_DIGEST: TypedColumn<Text> = column("config.old_digest");
/// Why.
pub const REASON: TypedColumn<Text> = column("config.reason");
