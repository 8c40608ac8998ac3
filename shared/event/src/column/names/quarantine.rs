//! A record that does not decode, kept with its reason.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bytes, Text, TypedColumn, column};

/// Message for a person.
pub const DETAIL: TypedColumn<Text> = column("quarantine.detail");
/// Encoding that was tried.
pub const ENCODING: TypedColumn<Text> = column("quarantine.encoding");
/// Headers of the record: JSON array of name and base64 value.
pub const HEADERS: TypedColumn<Text> = column("quarantine.headers");
/// Key of the record.
pub const KEY: TypedColumn<Bytes> = column("quarantine.key");
/// JSON pointer or byte position of the fault.
pub const POINTER: TypedColumn<Text> = column("quarantine.pointer");
/// Why, from a fixed list.
pub const REASON: TypedColumn<Text> = column("quarantine.reason");
/// Value of the record.
pub const VALUE: TypedColumn<Bytes> = column("quarantine.value");
