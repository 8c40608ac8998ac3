//! Mapping files: how the rows of somebody's export become events.
//!
//! A mapping is data, not code: a TOML document names the source's format and lists templates of
//! events; see `schemas/mappings/README.md`. Every field of a record that no template uses goes to
//! the `attributes` of the first event made of the record: nothing is dropped.
//!
//! Pure: it turns parsed records into JSON events and does no I/O.

mod document;
mod path;
mod record;

use std::borrow::Cow;
use std::collections::BTreeMap;

use event::{CellType, Timestamp, schema};
use serde_json::{Map, Value};
use thiserror::Error;

use document::{Condition, Field, Template, Test};
pub use document::{Format, Mapping, MappingError};
pub use record::Record;

use self::path::Place;

/// Why a record could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event {event} (`{kind}`), field `{field}`: {reason}")]
pub struct MapError {
    /// Number of the template, from 1.
    pub event: usize,
    /// Kind of the event.
    pub kind: String,
    /// Target field.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl Mapping {
    /// The events of one record, in the order of the templates; consecutive templates that iterate
    /// (`each`) are merged in the order of the document. `index` is the number of the record in
    /// its file, from 0.
    ///
    /// # Errors
    ///
    /// The first value that does not read as its column's type. A record is mapped whole or not
    /// at all.
    pub fn events(&self, record: &Record, index: u64) -> Result<Vec<Value>, MapError> {
        let mut made = Made { record, index, events: Vec::new(), used: Vec::new() };
        let mut group: Vec<(Vec<usize>, usize)> = Vec::new();
        for (number, template) in self.templates().iter().enumerate() {
            let Some(each) = &template.each else {
                made.add(template, number, &[])?;
                continue;
            };
            group.extend(each.places(record.root()).into_iter().map(|order| (order, number)));
            if self.templates().get(number + 1).is_some_and(|next| next.each.is_some()) {
                continue;
            }
            group.sort();
            for (order, number) in group.drain(..) {
                if let Some(template) = self.templates().get(number) {
                    made.add(template, number, &order)?;
                }
            }
        }
        Ok(made.with_rest())
    }
}

/// The events made of a record so far, and the places that were read for them.
struct Made<'a> {
    record: &'a Record,
    index: u64,
    events: Vec<Map<String, Value>>,
    used: Vec<Vec<Cow<'a, str>>>,
}

impl<'a> Made<'a> {
    /// Adds the event of a template for one match of its `each`, if its conditions hold.
    fn add(
        &mut self,
        template: &'a Template,
        number: usize,
        order: &[usize],
    ) -> Result<(), MapError> {
        let root = self.record.root();
        let item = match &template.each {
            None => root,
            Some(each) => match each.item(root, order) {
                Some(item) => item,
                None => return Ok(()),
            },
        };
        let place = Place { root, item };
        if !template.when.iter().all(|condition| holds(condition, place)) {
            return Ok(());
        }
        let mut event = Map::new();
        event.insert("kind".into(), template.kind.clone().into());
        for (target, field) in &template.fields {
            let wrong = |reason: String| MapError {
                event: number + 1,
                kind: template.kind.clone(),
                field: target.clone(),
                reason,
            };
            if let Some(value) = value_of(target, field, place, self.index).map_err(wrong)? {
                insert(&mut event, target, value);
            }
            let base = template.each.as_ref().map(|each| each.concrete(order)).unwrap_or_default();
            self.used.extend(field.source.references().map(|reference| {
                let mut tokens = if reference.from_root { Vec::new() } else { base.clone() };
                tokens.extend(reference.tokens.iter().map(|token| Cow::Borrowed(token.as_str())));
                tokens
            }));
        }
        self.events.push(event);
        Ok(())
    }

    /// The events, the first with what nobody read.
    fn with_rest(mut self) -> Vec<Value> {
        if let Some(first) = self.events.first_mut() {
            let mut rest = Vec::new();
            path::uncovered(self.record.root(), &self.used, &mut Vec::new(), &mut rest);
            for (key, value) in rest {
                let attributes =
                    first.entry("attributes").or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(attributes) = attributes {
                    attributes.entry(key).or_insert(value);
                }
            }
        }
        self.events.into_iter().map(Value::Object).collect()
    }
}

/// `run.status` goes into the object `run`; what follows `attributes.` is one key.
fn insert(event: &mut Map<String, Value>, target: &str, value: Value) {
    match target.split_once('.') {
        None => {
            event.insert(target.to_owned(), value);
        }
        Some((group, name)) => {
            let inner = event.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
    }
}

fn holds(condition: &Condition, place: Place<'_>) -> bool {
    let text = condition.at.find(place).and_then(text_of);
    match &condition.test {
        Test::Present(wanted) => text.is_some() == *wanted,
        Test::Equals(wanted) => text.as_deref() == Some(wanted),
        Test::NotEquals(unwanted) => text.as_deref() != Some(unwanted),
        Test::In(wanted) => text.is_some_and(|text| wanted.contains(&text)),
    }
}

/// Text of a value that is there: null and the empty text are absent, as an empty cell is.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(value.to_string())
        }
    }
}

fn value_of(
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
            None => return Err(format!("`{text}` is not in the map")),
        }
    }
    // What follows `attributes.` is text.
    let cell_type = schema().id(target).map_or(CellType::Text, |id| schema().column(id).cell_type);
    typed(text, cell_type, field, index).map(Some)
}

/// What a text becomes: by itself, else by the longest beginning that the map has. `*` alone is the
/// beginning of every text.
fn mapped<'m>(map: &'m BTreeMap<String, String>, text: &str) -> Option<&'m String> {
    let begins = |(key, _): &(&String, &String)| {
        key.strip_suffix('*').is_some_and(|beginning| text.starts_with(beginning))
    };
    let by_beginning = || map.iter().filter(begins).max_by_key(|(key, _)| key.len());
    map.get(text).or_else(|| by_beginning().map(|(_, value)| value))
}

/// Reads text as the type of its column.
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

/// RFC 3339, a date (its first instant, UTC), or a number of `scale`-d milliseconds; then
/// `step_ms` for every record before this one.
fn time(text: &str, field: &Field, index: u64) -> Result<Value, String> {
    let parsed = Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .or_else(|| {
            let millis: f64 = text.parse().ok()?;
            let micros = millis * field.scale.unwrap_or(1.0) * 1_000.0;
            #[expect(clippy::cast_possible_truncation, reason = "saturates; range checked below")]
            let instant = Timestamp::from_micros(micros.round() as i64);
            instant.is_in_range().then_some(instant)
        })
        .ok_or_else(|| {
            format!("`{}` is neither RFC 3339 nor a date nor milliseconds", clip(text))
        })?;
    let steps = i64::try_from(index).unwrap_or(i64::MAX);
    let step_micros = field.step_ms.saturating_mul(steps).saturating_mul(1_000);
    Timestamp::from_micros(parsed.micros().saturating_add(step_micros))
        .to_rfc3339()
        .map(Value::from)
        .ok_or_else(|| format!("`{}` is outside years 1 to 9999", clip(text)))
}

/// The beginning of a value, for messages.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
