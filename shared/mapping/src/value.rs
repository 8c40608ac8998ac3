//! Values of fields: text of the record, parsed as the type of its column.

use std::collections::BTreeMap;

use event::decimal::{Nearest, nearest};
use event::{CellType, Timestamp, schema};
use serde_json::Value;

use crate::document::Field;
use crate::path::Place;

/// The value of a target field; `None` if the record has none.
pub(crate) fn value_of(
    target: &str,
    field: &Field,
    place: Place<'_>,
    index: u64,
) -> Result<Option<Value>, String> {
    let text = field.source.text(place).or_else(|| field.default.clone());
    let Some(mut text) = text else { return Ok(None) };
    if let Some(map) = &field.map {
        match mapped(map, &text) {
            Some(mapped) if mapped.is_empty() => return Ok(None),
            Some(mapped) if mapped == "*" => {}
            Some(mapped) => text.clone_from(mapped),
            None => return Err(format!("`{}` is not in `map`", clip(&text))),
        }
    }
    // Attributes are text.
    let cell_type = schema().id(target).map_or(CellType::Text, |id| schema().column(id).cell_type);
    typed(text, cell_type, field, index).map(Some)
}

/// What the map says about a text: under the text itself, else under its longest prefix `prefix*`. `*`
/// is a prefix of every text.
fn mapped<'m>(map: &'m BTreeMap<String, String>, text: &str) -> Option<&'m String> {
    let begins = |(key, _): &(&String, &String)| {
        key.strip_suffix('*').is_some_and(|beginning| text.starts_with(beginning))
    };
    let by_beginning = || map.iter().filter(begins).max_by_key(|(key, _)| key.len());
    map.get(text).or_else(|| by_beginning().map(|(_, value)| value))
}

/// Parses text as the type of its column.
fn typed(text: String, cell_type: CellType, field: &Field, index: u64) -> Result<Value, String> {
    let not = |what: &str| format!("`{}` is not {what}", clip(&text));
    let scaled = |value: f64| field.scale.map_or(value, |scale| value * scale);
    match cell_type {
        CellType::Text | CellType::Bytes => Ok(text.into()),
        CellType::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(not("true, false, 1 or 0")),
        },
        CellType::Float => {
            // Where no double is the number, its text is sent, which decoding keeps.
            let rounds = matches!(nearest(&text), Some(Nearest::Other(_) | Nearest::Beyond));
            if rounds && field.scale.is_none() {
                return Ok(text.into());
            }
            let value: f64 = text.parse().map_err(|_| not("a number"))?;
            serde_json::Number::from_f64(scaled(value))
                .map(Value::Number)
                .ok_or_else(|| not("a finite number"))
        }
        CellType::Int => {
            if field.scale.is_none()
                && let Ok(value) = text.parse::<i64>()
            {
                return Ok(value.into());
            }
            let value = scaled(text.parse().map_err(|_| not("a whole number"))?);
            let whole = value.round();
            if (whole - value).abs() > 1e-6 || whole.abs() > 9_007_199_254_740_992.0 {
                return Err(not("a whole number"));
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
            let whole = whole as i64;
            Ok(whole.into())
        }
        CellType::Time => time(&text, field, index),
        CellType::Texts => {
            let parts: Vec<Value> = match &field.split {
                Some(split) => text
                    .split(split.as_str())
                    .filter(|part| !part.is_empty())
                    .map(|part| part.trim().into())
                    .collect(),
                // What is not a JSON array of texts is a list of one.
                None => serde_json::from_str::<Vec<String>>(&text)
                    .map(|parts| parts.into_iter().map(Value::from).collect())
                    .unwrap_or_else(|_| vec![text.clone().into()]),
            };
            Ok(Value::Array(parts))
        }
        CellType::Map => match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => Ok(Value::Object(object)),
            Ok(_) | Err(_) => Err(not("a JSON object")),
        },
    }
}

/// Parses RFC 3339, a date (midnight, UTC), or a number of milliseconds times `scale`; adds `step_ms`
/// for every record before this one.
fn time(text: &str, field: &Field, index: u64) -> Result<Value, String> {
    let parsed = Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .or_else(|| {
            let millis: f64 = text.parse().ok()?;
            let micros = millis * field.scale.unwrap_or(1.0) * 1_000.0;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates; the range is checked below"
            )]
            let instant = Timestamp::from_micros(micros.round() as i64);
            instant.is_in_range().then_some(instant)
        })
        .ok_or_else(|| {
            format!("`{}` is not RFC 3339, a date or a number of milliseconds", clip(text))
        })?;
    let stepped = i64::try_from(index)
        .ok()
        .and_then(|steps| field.step_ms.checked_mul(steps)?.checked_mul(1_000))
        .and_then(|micros| parsed.micros().checked_add(micros))
        .and_then(|micros| Timestamp::from_micros(micros).to_rfc3339());
    stepped.map(Value::from).ok_or_else(|| {
        format!("`{}` with {index} steps of `step_ms` is outside the years 1 to 9999", clip(text))
    })
}

/// The beginning of a value, for error messages.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
