//! What is wrong with a value, and where.

use thiserror::Error;

use crate::barrier::Panicked;

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
    /// Reading the value panicked: a defect of ours, not of the value.
    Panicked,
}

impl Reason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; 11] = [
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
        Self::Panicked,
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
            Self::Panicked => "panicked",
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

/// Largest pointer of a fault, bytes: names of members may be as long as a record.
const POINTER_BYTES_MAX: usize = 1_024;

impl Fault {
    /// Of a value that cannot be read without a panic.
    pub(super) fn panicked(panicked: &Panicked) -> Self {
        Self { reason: Reason::Panicked, pointer: String::new(), detail: panicked.to_string() }
    }

    /// The same with a pointer of bounded size; `…` stands for what was cut off.
    pub(super) fn bounded(mut self) -> Self {
        if self.pointer.len() > POINTER_BYTES_MAX {
            let end = self.pointer.floor_char_boundary(POINTER_BYTES_MAX);
            self.pointer.truncate(end);
            self.pointer.push('…');
        }
        self
    }
}
