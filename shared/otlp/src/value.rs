//! Values of attributes: as text, and as the type of a column.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::decimal::{Nearest, nearest};
use event::{Cell, CellType, Timestamp};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Map, Value as Json};

/// The value of an attribute; `None` if it has none.
pub(crate) fn of(attribute: &KeyValue) -> Option<&Value> {
    attribute.value.as_ref()?.value.as_ref()
}

/// A value as text: text as it is, numbers as JSON writes them, anything else as JSON.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::StringValue(text) => Cow::Borrowed(text),
        Value::BoolValue(true) => Cow::Borrowed("true"),
        Value::BoolValue(false) => Cow::Borrowed("false"),
        Value::IntValue(number) => Cow::Owned(number.to_string()),
        Value::DoubleValue(number) => Cow::Owned(event::decimal::plain(*number)),
        Value::BytesValue(bytes) => Cow::Owned(BASE64.encode(bytes)),
        Value::ArrayValue(_) | Value::KvlistValue(_) | Value::StringValueStrindex(_) => {
            Cow::Owned(json(value).to_string())
        }
    }
}

/// A value as JSON.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::StringValue(text) => Json::from(text.as_str()),
        Value::BoolValue(value) => Json::from(*value),
        Value::IntValue(number) => Json::from(*number),
        Value::DoubleValue(number) => serde_json::Number::from_f64(*number)
            .map_or_else(|| Json::from(number.to_string()), Json::Number),
        Value::BytesValue(bytes) => Json::from(BASE64.encode(bytes)),
        Value::ArrayValue(array) => array.values.iter().map(any).collect(),
        Value::KvlistValue(list) => pairs(&list.values),
        // An index into a table that only profiles have.
        Value::StringValueStrindex(index) => Json::from(*index),
    }
}

/// Attributes as a JSON object; of a key that repeats, the last counts.
pub(crate) fn pairs(pairs: &[KeyValue]) -> Json {
    let member = |pair: &KeyValue| (pair.key.clone(), of(pair).map_or(Json::Null, json));
    Json::Object(pairs.iter().map(member).collect::<Map<_, _>>())
}

fn any(value: &AnyValue) -> Json {
    value.value.as_ref().map_or(Json::Null, json)
}

/// The text of a text; `None` if the value is none.
pub(crate) const fn string(value: &Value) -> Option<&str> {
    if let Value::StringValue(text) = value { Some(text.as_str()) } else { None }
}

/// The value as a cell of a type; `None` if it is no such value.
pub(crate) fn cell(value: &Value, cell_type: CellType) -> Option<Cell<'_>> {
    match cell_type {
        CellType::Text => Some(Cell::Text(text(value))),
        CellType::Int => int(value).map(Cell::Int),
        CellType::Float => float(value).map(Cell::Float),
        CellType::Bool => bool(value).map(Cell::Bool),
        CellType::Texts => Some(Cell::Texts(texts(value))),
        CellType::Time => Timestamp::parse_rfc3339(string(value)?).map(Cell::Time),
        CellType::Bytes => {
            let Value::BytesValue(bytes) = value else { return None };
            Some(Cell::Bytes(Cow::Borrowed(bytes)))
        }
        CellType::Map => map(value).map(Cell::Map),
    }
}

fn bool(value: &Value) -> Option<bool> {
    if let Value::BoolValue(value) = value {
        return Some(*value);
    }
    let text = string(value)?;
    let is = |name| text.eq_ignore_ascii_case(name);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

fn int(value: &Value) -> Option<i64> {
    if let Value::IntValue(number) = value {
        return Some(*number);
    }
    if let Value::DoubleValue(number) = value {
        let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and at most 2^53")]
        return is_whole.then_some(*number as i64);
    }
    string(value)?.parse().ok()
}

/// A number that a double holds: what it would round stays an attribute, with all its digits.
fn float(value: &Value) -> Option<f64> {
    if let Value::DoubleValue(number) = value {
        return number.is_finite().then_some(*number);
    }
    if let Value::IntValue(number) = value {
        return exact(&number.to_string());
    }
    exact(string(value)?)
}

fn exact(text: &str) -> Option<f64> {
    match nearest(text) {
        Some(Nearest::Same(number)) => Some(number),
        Some(Nearest::Other(_) | Nearest::Beyond) | None => None,
    }
}

/// A list as it is; JSON text of a list of texts as that list; anything else as a list of one.
fn texts(value: &Value) -> Vec<Cow<'_, str>> {
    if let Value::ArrayValue(array) = value {
        return array.values.iter().filter_map(|one| one.value.as_ref()).map(text).collect();
    }
    let list = string(value).filter(|text| text.starts_with('['));
    match list.and_then(|text| serde_json::from_str::<Vec<String>>(text).ok()) {
        Some(list) => list.into_iter().map(Cow::Owned).collect(),
        None => vec![text(value)],
    }
}

fn map(value: &Value) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let Value::KvlistValue(list) = value else { return None };
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(list.values.len());
    for pair in &list.values {
        pairs.push((Cow::Borrowed(&pair.key), text(of(pair)?)));
    }
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    pairs.dedup_by(|(one, _), (other, _)| one == other);
    Some(pairs)
}
