//! From a record to an event: strict, and total.
//!
//! Strict: a value of the wrong type, an event without a kind, trailing bytes, an unknown schema
//! are faults. Total: a fault becomes a `quarantine.added` event with the reason and the exact
//! key, value and headers, so every record of the log has exactly one event.
//!
//! Encodings, tried in this order: `__value_schema_id` header, Confluent frame (`00`, 4-byte id),
//! Avro single object (`C3 01`, 8-byte fingerprint), JSON.






use thiserror::Error;

use crate::event::Event;
use crate::record::Record;

/// Why a record was quarantined. The names are the values of `quarantine.reason` and of metric
/// labels; they are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The record has no value or an empty one.
    Empty,
    /// The value is larger than the limit.
    TooLarge,
    /// The value begins like none of the accepted encodings.
    UnknownEncoding,
    /// The schema id or fingerprint is not known.
    UnknownSchema,
    /// Not well-formed JSON (NaN included), or a member repeats.
    InvalidJson,
    /// Not well-formed Avro: truncated, bad union branch, bad length, trailing bytes.
    InvalidAvro,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A value of another type than its column.
    WrongType,
    /// A required field has no value.
    MissingField,
    /// An instant outside years 1 to 9999, or text that is not RFC 3339.
    InvalidTime,
}

impl Reason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::TooLarge,
        Self::UnknownEncoding,
        Self::UnknownSchema,
        Self::InvalidJson,
        Self::InvalidAvro,
        Self::InvalidUtf8,
        Self::WrongType,
        Self::MissingField,
        Self::InvalidTime,
    ];

    /// The name in `quarantine.reason`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnknownEncoding => "unknown_encoding",
            Self::UnknownSchema => "unknown_schema",
            Self::InvalidJson => "invalid_json",
            Self::InvalidAvro => "invalid_avro",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::WrongType => "wrong_type",
            Self::MissingField => "missing_field",
            Self::InvalidTime => "invalid_time",
        }
    }
}

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {detail} at `{pointer}`", reason.name())]
pub struct Fault {
    /// The class.
    pub reason: Reason,
    /// JSON pointer (RFC 6901), or `byte N` for binary encodings.
    pub pointer: String,
    /// Message for a person, without the value itself.
    pub detail: String,
}

/// Limits of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest value that is decoded; a larger one is quarantined with its bytes. Default 1 MiB.
    pub value_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes_max: 1024 * 1024 }
    }
}

/// A record's event, and how it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'a> {
    /// The event; of kind `quarantine.added` if there is a fault.
    pub event: Event<'a>,
    /// `json`, `avro:` and the CRC-64-AVRO fingerprint of the writer schema in hex, or `none`.
    pub schema_id: std::borrow::Cow<'static, str>,
    /// Why the record was quarantined.
    pub fault: Option<Fault>,
}

/// Decodes records; holds the schemas it knows.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    limits: Limits,
}

impl Decoder {
    /// A decoder that knows the bundled schemas.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Adds the writer schema behind a registry id, for Confluent frames and id headers.
    ///
    /// # Errors
    ///
    /// If the text is not an Avro record schema.
    pub fn register(&mut self, id: u32, avro_schema: &str) -> Result<(), String> {
        let _ = (id, avro_schema);
        Ok(())
    }

    /// The event of a record. Never fails: see the module's head.
    #[must_use]
    pub fn decode<'a>(&self, record: &Record<'a>) -> Decoded<'a> {
        let _ = (record, self.limits);
        todo!()
    }
}

/// Decodes one JSON event that is not in the log yet (the collector's and `emit`'s door): the same
/// rules as for a record, except that `event_id` and `event_time` may be absent from the result.
///
/// # Errors
///
/// The first fault.
pub fn decode_json(value: &[u8], limits: Limits) -> Result<Event<'static>, Fault> {
    let _ = (value, limits);
    todo!()
}
