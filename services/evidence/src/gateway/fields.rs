//! The fields of a request: read one by one, every problem kept.

use event::Timestamp;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::rejection::Rejection;

/// Longest text of a field, bytes, but for documents.
const TEXT_BYTES_MAX: usize = 4_096;

/// Fields that are not read yet.
#[derive(Debug)]
pub(super) struct Fields {
    object: Map<String, Value>,
    problems: Vec<Problem>,
}

impl Fields {
    /// The fields of a body, which must be one JSON object.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Rejection> {
        let value = serde_json::from_slice(body)
            .map_err(|error| Rejection::InvalidJson(error.to_string()))?;
        match value {
            Value::Object(object) => Ok(Self { object, problems: Vec::new() }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(Rejection::InvalidJson("it is another value".to_owned())),
        }
    }

    /// Notes a problem.
    pub(super) fn wrong(&mut self, field: &str, reason: impl Into<String>) {
        self.problems.push(Problem::new(field, reason));
    }

    /// A text of any length that is not blank. `null` is as absent.
    pub(super) fn document(&mut self, field: &str) -> Option<String> {
        match self.object.remove(field)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => {
                self.wrong(field, "must not be empty");
                None
            }
            Value::String(text) => Some(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong(field, "must be a text");
                None
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        let text = self.document(field)?;
        if text.len() > TEXT_BYTES_MAX {
            self.wrong(field, format!("must have at most {TEXT_BYTES_MAX} bytes"));
            return None;
        }
        Some(text)
    }

    /// A text that must be there; if it is not, that is a problem.
    pub(super) fn needed(&mut self, field: &str) -> Option<String> {
        let before = self.problems.len();
        let text = self.text(field);
        if text.is_none() && self.problems.len() == before {
            self.wrong(field, "is required");
        }
        text
    }

    /// As [`Self::needed`]; empty if it is not there.
    pub(super) fn required(&mut self, field: &str) -> String {
        self.needed(field).unwrap_or_default()
    }

    /// An instant.
    pub(super) fn time(&mut self, field: &str) -> Option<Timestamp> {
        let text = self.text(field)?;
        let Some(time) = Timestamp::parse_rfc3339(&text) else {
            self.wrong(field, "must be RFC 3339 with an offset, such as 2026-03-01T18:00:00Z");
            return None;
        };
        // As a number it would be read as a mistaken unit, and the act would have no effect.
        if time.mistaken_unit().is_some() {
            self.wrong(field, "must not be in the first weeks of 1970");
            return None;
        }
        Some(time)
    }

    /// A whole number that is at least 1.
    pub(super) fn positive(&mut self, field: &str) -> Option<i64> {
        let value = self.object.remove(field)?;
        if value.is_null() {
            return None;
        }
        let number = value.as_i64().filter(|number| *number >= 1);
        if number.is_none() {
            self.wrong(field, "must be a whole number of at least 1");
        }
        number
    }

    /// Whether a field is `true`.
    pub(super) fn flag(&mut self, field: &str) -> bool {
        match self.object.remove(field) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                self.wrong(field, "must be true or false");
                false
            }
        }
    }

    /// The fields that are left, for kinds whose fields are those of the event.
    pub(super) fn take_rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.object)
    }

    /// The problems; a field that nobody has read is one.
    pub(super) fn finish(mut self) -> Result<(), Rejection> {
        for field in self.object.keys() {
            let reason = "is not a field of this kind of act";
            self.problems.push(Problem::new(field.chars().take(100).collect::<String>(), reason));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Rejection::Fields(self.problems)) }
    }

    /// Problems noted so far.
    pub(super) const fn noted(&self) -> usize {
        self.problems.len()
    }

    /// Whether a problem was noted.
    pub(super) const fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }
}
