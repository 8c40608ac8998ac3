//! Which foreign schemas have a canonical form, and so a fingerprint.
//!
//! A schema may have attributes of its own. Where one has a name that the canonical form knows and a
//! value that it does not (`"size": "large"` on a field), apache-avro panics.

use apache_avro::Schema;
use serde_json::Value;

/// Attributes that the canonical form keeps.
const KEPT: [&str; 7] = ["fields", "items", "name", "order", "symbols", "type", "values"];

/// Attributes that it keeps as whole numbers.
const NUMBERS: [&str; 3] = ["precision", "scale", "size"];

/// Whether the canonical form of a schema can be written.
///
/// # Errors
///
/// Names the attribute that has no place in it.
pub(super) fn check(schema: &Schema) -> Result<(), String> {
    walk(&serde_json::to_value(schema).map_err(|error| error.to_string())?)
}

fn walk(value: &Value) -> Result<(), String> {
    match value {
        Value::String(_) => Ok(()),
        Value::Array(items) => items.iter().try_for_each(walk),
        Value::Object(attributes) => attributes.iter().try_for_each(|(name, value)| {
            let refused = || format!("attribute `{name}` of the schema is {value}");
            if NUMBERS.contains(&name.as_str()) {
                let text = value.as_str().is_some_and(|text| text.parse::<i64>().is_ok());
                if text || value.as_i64().is_some() { Ok(()) } else { Err(refused()) }
            } else if KEPT.contains(&name.as_str()) {
                walk(value).map_err(|_| refused())
            } else {
                Ok(())
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Err("not a schema".to_owned()),
    }
}
