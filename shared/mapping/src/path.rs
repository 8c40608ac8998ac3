//! Places in a record: JSON pointers (RFC 6901), in which `*` stands for all elements of an array.

use std::borrow::Cow;

use serde_json::Value;

/// What a template reads from: the record, and the element it iterates over (or the record again).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) root: &'a Value,
    pub(crate) item: &'a Value,
}

/// A place that a template reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Whether it starts at the record even within an iteration.
    pub(crate) from_root: bool,
    /// Tokens of the pointer.
    pub(crate) tokens: Vec<String>,
}

impl Reference {
    /// `/a/b`, `^/a/b` (from the record), or the name of a column.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(pointer) = text.strip_prefix('^') {
            return Ok(Self { from_root: true, tokens: tokens(pointer)? });
        }
        if text.starts_with('/') || text.is_empty() {
            return Ok(Self { from_root: false, tokens: tokens(text)? });
        }
        Ok(Self::column(text))
    }

    /// A member of the record.
    pub(crate) fn column(name: &str) -> Self {
        Self { from_root: true, tokens: vec![name.to_owned()] }
    }

    pub(crate) fn find<'a>(&self, place: Place<'a>) -> Option<&'a Value> {
        let start = if self.from_root { place.root } else { place.item };
        self.tokens.iter().try_fold(start, |value, token| child(value, token))
    }
}

/// A pointer in which `*` stands for all elements of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(pub(crate) Vec<String>);

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        tokens(text).map(Self)
    }

    /// All matches in the order of the document, as the indices that the `*` stand for.
    pub(crate) fn places(&self, root: &Value) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        collect(root, &self.0, &mut Vec::new(), &mut found);
        found
    }

    /// The tokens of a match.
    pub(crate) fn concrete(&self, order: &[usize]) -> Vec<Cow<'_, str>> {
        let mut indices = order.iter();
        self.0
            .iter()
            .map(|token| match (token.as_str(), indices.as_slice().first()) {
                ("*", Some(index)) => {
                    indices.next();
                    Cow::Owned(index.to_string())
                }
                _ => Cow::Borrowed(token.as_str()),
            })
            .collect()
    }

    /// The value of a match.
    pub(crate) fn item<'a>(&self, root: &'a Value, order: &[usize]) -> Option<&'a Value> {
        let mut indices = order.iter();
        self.0.iter().try_fold(root, |value, token| match (token.as_str(), value) {
            ("*", Value::Array(elements)) => elements.get(*indices.next()?),
            _ => child(value, token),
        })
    }
}

fn collect(value: &Value, tokens: &[String], at: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let Some((token, rest)) = tokens.split_first() else {
        found.push(at.clone());
        return;
    };
    match (token.as_str(), value) {
        ("*", Value::Array(elements)) => {
            for (index, element) in elements.iter().enumerate() {
                at.push(index);
                collect(element, rest, at, found);
                at.pop();
            }
        }
        _ => {
            if let Some(value) = child(value, token) {
                collect(value, rest, at, found);
            }
        }
    }
}

fn child<'a>(value: &'a Value, token: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(token),
        Value::Array(elements) => elements.get(token.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn tokens(pointer: &str) -> Result<Vec<String>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err(format!("`{pointer}` is not a JSON pointer: must begin with `/`"));
    };
    Ok(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

/// The largest parts of a value that none of the `used` places covers, as dotted paths and values.
pub(crate) fn uncovered(
    value: &Value,
    used: &[Vec<Cow<'_, str>>],
    at: &mut Vec<String>,
    rest: &mut Vec<(String, Value)>,
) {
    // The record itself has no name that it could go under as a whole.
    let mut touched = at.is_empty();
    for place in used {
        if place.iter().zip(at.iter()).all(|(token, part)| token == part) {
            if place.len() <= at.len() {
                return;
            }
            touched = true;
        }
    }
    let mut below = |token: String, value: &Value| {
        at.push(token);
        uncovered(value, used, at, rest);
        at.pop();
    };
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::Object(object) if touched => {
            object.iter().for_each(|(key, value)| below(key.clone(), value));
        }
        Value::Array(elements) if touched => {
            elements.iter().enumerate().for_each(|(index, value)| below(index.to_string(), value));
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => {
            rest.push((at.join("."), value.clone()));
        }
    }
}

/// Text of a value; null and the empty text count as absent, like an empty cell.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(value.to_string())
        }
    }
}
