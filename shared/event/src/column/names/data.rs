//! Personal or confidential data that was found or masked.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Text, Texts, TypedColumn, column};

/// Class of data, for example email or payment_card.
pub const CLASS: TypedColumn<Text> = column("data.class");
/// Number of values.
pub const COUNT: TypedColumn<Int> = column("data.count");
/// Where the data went.
pub const DESTINATION: TypedColumn<Text> = column("data.destination");
/// What was done: removed, hashed, tokenised, truncated, none.
pub const METHOD: TypedColumn<Text> = column("data.method");
/// Fields that held it, as dotted paths.
pub const PATHS: TypedColumn<Texts> = column("data.paths");
/// Rule that found or masked it.
pub const RULE: TypedColumn<Text> = column("data.rule");
/// Version of the rule.
pub const RULE_VERSION: TypedColumn<Text> = column("data.rule_version");
