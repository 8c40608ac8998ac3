//! Known keys, the values given for them, and suggestions for unknown ones.

use std::collections::HashMap;

use config::{Map, Value, ValueKind};
use serde_json::Value as Json;

use super::given::{Given, Problem, dotted};

/// Splits a table into its leaves; reports unknown keys.
pub(super) fn from_table(
    known: &Json,
    table: Map<String, Value>,
    origin: &str,
    given: &mut Vec<Given>,
    problems: &mut Vec<Problem>,
) {
    let mut sorted: Vec<_> = table.into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut walk = Walk { root: known, origin, given, problems };
    walk.table(known, sorted, &mut Vec::new());
}

struct Walk<'a> {
    root: &'a Json,
    origin: &'a str,
    given: &'a mut Vec<Given>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, known: &Json, table: Vec<(String, Value)>, path: &mut Vec<String>) {
        for (key, value) in table {
            path.push(key.clone());
            match known.as_object().filter(|object| !object.is_empty()) {
                Some(object) => match object.get(&key) {
                    None => self.problems.push(unknown(self.root, path, self.origin)),
                    Some(below) => self.value(below, value, path),
                },
                None => self.leaf(value, path),
            }
            path.pop();
        }
    }

    fn value(&mut self, known: &Json, value: Value, path: &mut Vec<String>) {
        match (value.kind, known.is_object()) {
            (ValueKind::Table(table), true) => {
                let mut sorted: Vec<_> = table.into_iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                self.table(known, sorted, path);
            }
            (kind, _) => self.leaf(Value::new(None, kind), path),
        }
    }

    fn leaf(&mut self, value: Value, path: &[String]) {
        self.given.push(Given { path: path.to_vec(), value, origin: self.origin.to_owned() });
    }
}

/// Takes the variables with the prefix; reports unknown keys and values of the wrong type.
pub(super) fn from_environment(
    known: &Json,
    prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
    given: &mut Vec<Given>,
    problems: &mut Vec<Problem>,
) {
    let mut named: Vec<(String, Vec<String>, String)> = variables
        .into_iter()
        .filter_map(|(name, text)| {
            let key = name.strip_prefix(prefix)?;
            let path = key.split("__").map(str::to_lowercase).collect();
            Some((name, path, text))
        })
        .collect();
    named.sort();
    for (name, path, text) in named {
        match resolve(known, path) {
            Err(path) => problems.push(unknown(known, &path, &name)),
            Ok((path, kind)) => match read(&text, kind) {
                Ok(value) => given.push(Given { path, value, origin: name }),
                Err(reason) => problems.push(Problem { key: dotted(&path), origin: name, reason }),
            },
        }
    }
}

/// The path as the configuration spells it, and its default (null where every value is accepted).
fn resolve(known: &Json, path: Vec<String>) -> Result<(Vec<String>, &Json), Vec<String>> {
    let mut at = known;
    for (depth, part) in path.iter().enumerate() {
        match at {
            Json::Object(object) if object.is_empty() => {
                let (sections, rest) = path.split_at(depth);
                let mut free = sections.to_vec();
                free.push(rest.join(".").replace('_', "."));
                return Ok((free, &Json::Null));
            }
            Json::Object(object) => match object.get(part) {
                Some(below) => at = below,
                None => return Err(path),
            },
            Json::Null => return Ok((path, &Json::Null)),
            Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => return Err(path),
        }
    }
    Ok((path, at))
}

/// Parses text as a value of the type of the default.
fn read(text: &str, default: &Json) -> Result<Value, String> {
    let kind = match default {
        Json::Bool(_) => {
            ValueKind::Boolean(text.parse().map_err(|_| format!("`{text}` is not true or false"))?)
        }
        Json::Number(number) if number.is_f64() => {
            ValueKind::Float(text.parse().map_err(|_| format!("`{text}` is not a number"))?)
        }
        Json::Number(_) => {
            ValueKind::I64(text.parse().map_err(|_| format!("`{text}` is not a whole number"))?)
        }
        Json::Array(_) => ValueKind::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| Value::from(part.to_owned()))
                .collect(),
        ),
        Json::Object(_) => return Err("is a section, not a key".into()),
        // Left as text: the deserializer knows the type and converts it.
        Json::String(_) | Json::Null => ValueKind::String(text.to_owned()),
    };
    Ok(Value::new(None, kind))
}

fn unknown(known: &Json, path: &[String], origin: &str) -> Problem {
    let mut all = Vec::new();
    list(known, &mut Vec::new(), &mut all);
    let wrong = path.join(".");
    let last = path.last().map_or("", String::as_str);
    // A key in the wrong section is as likely as a misspelt one.
    let nearest = all
        .iter()
        .filter(|candidate| !path.starts_with(candidate))
        .map(|candidate| {
            let name = candidate.last().map_or("", String::as_str);
            let whole = edits(&wrong, &candidate.join("."));
            (if name == last { whole.min(1) } else { whole }, candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= wrong.len().div_ceil(2));
    let reason = nearest.map_or_else(
        || "unknown key".to_owned(),
        |(_, candidate)| format!("unknown key; did you mean `{}`?", dotted(candidate)),
    );
    Problem { key: dotted(path), origin: origin.to_owned(), reason }
}

fn list(known: &Json, path: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    for (key, below) in known.as_object().into_iter().flatten() {
        path.push(key.clone());
        all.push(path.clone());
        list(below, path, all);
        path.pop();
    }
}

/// The Levenshtein distance of two texts.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(x != *y);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    let Some(distance) = row.last() else { unreachable!("a row has an entry for the empty text") };
    *distance
}

/// A JSON object as a table of the `config` crate.
pub(super) fn table_of(json: &Json) -> HashMap<String, Value> {
    json.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value_of(value)))
        .collect()
}

fn value_of(json: &Json) -> Value {
    let kind = match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(value) => ValueKind::Boolean(*value),
        Json::Number(number) => {
            let kind = number
                .as_i64()
                .map(ValueKind::I64)
                .or_else(|| number.as_u64().map(ValueKind::U64))
                .or_else(|| number.as_f64().map(ValueKind::Float));
            let Some(kind) = kind else { unreachable!("a JSON number is one of the three") };
            kind
        }
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(values) => ValueKind::Array(values.iter().map(value_of).collect()),
        Json::Object(_) => ValueKind::Table(table_of(json).into_iter().collect()),
    };
    Value::new(None, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("brokers", "broker"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
