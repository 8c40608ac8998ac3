//! Events as JSON, for the few records that every build must be able to read, whatever its schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use crate::{Cell, Event, schema};

/// The JSON of an event, which [`decode_json`](crate::decode::decode_json) reads as the same event. `None` if
/// it has a value without a JSON form: a double that is not finite, or an instant that RFC 3339 cannot write.
#[must_use]
pub fn encode_json(event: &Event<'_>) -> Option<Vec<u8>> {
    let mut object = Map::new();
    for (id, cell) in event.cells() {
        let value = value_of(cell)?;
        match schema().column(*id).path.split_once('.') {
            None => {
                object.insert(schema().column(*id).path.clone(), value);
            }
            Some((family, field)) => {
                let entry = object.entry(family).or_insert_with(|| Value::Object(Map::new()));
                let Some(fields) = entry.as_object_mut() else {
                    unreachable!("`{family}` is a family, and no column")
                };
                fields.insert(field.to_owned(), value);
            }
        }
    }
    serde_json::to_vec(&Value::Object(object)).ok()
}

fn value_of(cell: &Cell<'_>) -> Option<Value> {
    Some(match cell {
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) => Value::Number((*value).into()),
        Cell::Float(value) => Value::Number(Number::from_f64(*value)?),
        Cell::Text(text) => Value::String(text.clone().into_owned()),
        Cell::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        Cell::Time(time) => Value::String(time.to_rfc3339()?),
        Cell::Texts(texts) => {
            Value::Array(texts.iter().map(|text| Value::String(text.to_string())).collect())
        }
        Cell::Map(pairs) => Value::Object(
            pairs
                .iter()
                .map(|(key, value)| (key.to_string(), Value::String(value.to_string())))
                .collect(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Limits, decode_json};
    use crate::{EventBuilder, Timestamp, column, kind};

    #[test]
    fn an_event_is_read_as_it_was() {
        let event = EventBuilder::new(kind::MONITOR_SCHEMAS)
            .set(column::EVENT_ID, "a")
            .set(column::EVENT_TIME, Timestamp::from_micros(1_760_000_000_123_456))
            .set(column::monitor::SCHEMAS_ON, true)
            .set(column::monitor::SCHEMAS_THROUGH, i64::MIN)
            .set(column::monitor::SIGNATURE, vec![0_u8, 255, 7])
            .set(column::monitor::SCHEMAS_MISSING, vec!["1".to_owned(), "\u{1b}\"".to_owned()])
            .set(column::metric::VALUE, 0.1 + 0.2)
            .build()
            .unwrap();
        let mut event = event;
        let schemas = vec![("7".into(), "{\"type\":\"int\"}".into())];
        event.set(column::monitor::SCHEMAS, Cell::Map(schemas));
        let json = encode_json(&event).unwrap();
        assert_eq!(decode_json(&json, Limits::default()).unwrap(), event);
        event.set(column::metric::VALUE, f64::NAN.into());
        assert_eq!(encode_json(&event), None);
    }
}
