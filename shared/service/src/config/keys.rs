//! Known keys, the values given for them, and suggestions for unknown ones.

use serde_json::Value as Json;

use super::given::{Given, Problem, dotted};
use super::nearest::edits;

/// Splits a table into its leaves; reports unknown keys.
pub(super) fn from_table(
    known: &Json,
    table: toml::Table,
    origin: &str,
    given: &mut Vec<Given>,
    problems: &mut Vec<Problem>,
) {
    let mut walk = Walk { root: known, origin, given, problems };
    walk.table(known, table, &mut Vec::new());
}

struct Walk<'a> {
    root: &'a Json,
    origin: &'a str,
    given: &'a mut Vec<Given>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, known: &Json, table: toml::Table, path: &mut Vec<String>) {
        let mut sorted: Vec<_> = table.into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, value) in sorted {
            path.push(key.clone());
            match known.as_object().filter(|object| !object.is_empty()) {
                Some(object) => match (object.get(&key), value) {
                    (None, _) => self.problems.push(unknown(self.root, path, self.origin)),
                    (Some(below @ Json::Object(_)), toml::Value::Table(table)) => {
                        self.table(below, table, path);
                    }
                    (Some(_), value) => self.leaf(value, path),
                },
                None => self.leaf(value, path),
            }
            path.pop();
        }
    }

    fn leaf(&mut self, value: toml::Value, path: &[String]) {
        let (path, origin) = (path.to_vec(), self.origin.to_owned());
        self.given.push(Given { path, value: json_of(value), is_untyped: false, origin });
    }
}

/// A value of the file as JSON. What JSON does not have, dates and infinite numbers, becomes text, which
/// no key accepts that wants a number.
fn json_of(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::String(text),
        toml::Value::Integer(number) => Json::from(number),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => Json::Number(number),
            None => Json::String(number.to_string()),
        },
        toml::Value::Boolean(value) => Json::Bool(value),
        toml::Value::Datetime(time) => Json::String(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            Json::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
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
                Ok(value) => {
                    let is_untyped = kind.is_null();
                    given.push(Given { path, value, is_untyped, origin: name });
                }
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
fn read(text: &str, default: &Json) -> Result<Json, String> {
    Ok(match default {
        Json::Bool(_) => {
            Json::Bool(text.parse().map_err(|_| format!("must be true or false, not `{text}`"))?)
        }
        Json::Number(number) if number.is_f64() => {
            let number: Option<f64> = text.parse().ok();
            let number = number.and_then(serde_json::Number::from_f64);
            Json::Number(number.ok_or_else(|| format!("must be a number, not `{text}`"))?)
        }
        Json::Number(_) => {
            let number: i128 =
                text.parse().map_err(|_| format!("must be a whole number, not `{text}`"))?;
            let narrow = i64::try_from(number).map(Json::from);
            narrow
                .or_else(|_| u64::try_from(number).map(Json::from))
                .map_err(|_| format!("must be a whole number of 64 bits, not `{text}`"))?
        }
        Json::Array(_) => list_of(text)?,
        Json::Object(_) => return Err("is a section, not a key".into()),
        // Left as text: the type itself decides.
        Json::String(_) | Json::Null => Json::String(text.to_owned()),
    })
}

/// A list: parts between commas, or a JSON array of texts.
fn list_of(text: &str) -> Result<Json, String> {
    let text = text.trim();
    let parts: Vec<String> = if text.starts_with(['[', '{', '"']) {
        serde_json::from_str(text).map_err(|_| {
            "must be a list: `a,b`, or a JSON array of texts such as `[\"a\",\"b\"]`".to_owned()
        })?
    } else {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    Ok(parts.into_iter().map(Json::String).collect())
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
