//! Where a value comes from: an attribute of the span or of its resource, or a place in the JSON text
//! that an attribute holds.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde_json::Value as Json;

use crate::names::{Names, Number};

/// Begins the name of an attribute of the resource.
const RESOURCE: &str = "resource:";
/// The name of the span, which is no attribute.
const SPAN_NAME: &str = "otel:span.name";
/// Longest JSON text that is looked into, bytes.
const JSON_BYTES_MAX: usize = 64 * 1024;

/// A place that holds a value.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The name, as it stands in the document; without the mark of the resource.
    pub(crate) name: String,
    pub(crate) number: Number,
    pub(crate) of_resource: bool,
    pub(crate) is_span_name: bool,
    /// JSON pointer into the text of the attribute.
    pointer: Option<String>,
}

impl Source {
    pub(crate) fn parse(
        text: &str,
        of_spans: &mut Names,
        of_resources: &mut Names,
    ) -> Result<Self, String> {
        let (place, pointer) = match text.split_once('#') {
            Some((place, pointer)) if pointer.starts_with('/') => (place, Some(pointer.to_owned())),
            Some(_) => return Err(format!("`{text}`: expected a JSON pointer behind `#`")),
            None => (text, None),
        };
        let (name, of_resource) = match place.strip_prefix(RESOURCE) {
            Some(name) => (name, true),
            None => (place, false),
        };
        if name.is_empty() {
            return Err(format!("`{text}` names no attribute"));
        }
        let names = if of_resource { of_resources } else { of_spans };
        let number = names.number(name).ok_or("too many attributes are named")?;
        let is_span_name = text == SPAN_NAME;
        Ok(Self { name: name.to_owned(), number, of_resource, is_span_name, pointer })
    }

    /// The value in JSON text that the pointer points to.
    pub(crate) fn inside(&self, value: &Value) -> Inside {
        let Some(pointer) = &self.pointer else { return Inside::Whole };
        let Value::StringValue(text) = value else { return Inside::Nothing };
        if text.len() > JSON_BYTES_MAX {
            return Inside::Nothing;
        }
        let found = serde_json::from_str::<Json>(text).ok();
        match found.and_then(|json| json.pointer(pointer).cloned()) {
            Some(Json::Null) | None => Inside::Nothing,
            Some(Json::String(text)) => Inside::Value(Value::StringValue(text)),
            Some(Json::Bool(value)) => Inside::Value(Value::BoolValue(value)),
            Some(Json::Number(number)) => Inside::Value(match number.as_i64() {
                Some(whole) => Value::IntValue(whole),
                None => Value::StringValue(number.to_string()),
            }),
            Some(other @ (Json::Array(_) | Json::Object(_))) => {
                Inside::Value(Value::StringValue(other.to_string()))
            }
        }
    }
}

/// What a pointer finds.
#[derive(Debug)]
pub(crate) enum Inside {
    /// There is no pointer.
    Whole,
    Value(Value),
    Nothing,
}
