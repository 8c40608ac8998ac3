//! Values from a file or the environment, and their problems.

use std::fmt::{self, Display, Formatter};

use serde_json::Value as Json;

use super::secret::is_secret_name;
use super::words;

/// A problem with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key with its sections; empty for the whole configuration.
    pub key: String,
    /// The file or environment variable it comes from; empty if none.
    pub origin: String,
    /// What is wrong.
    pub reason: String,
}

impl Problem {
    /// A problem that a check of values found, with the place that the value comes from.
    pub(super) fn of_check(text: &str, given: &[Given]) -> Self {
        let split = text.strip_prefix('`').and_then(|rest| rest.split_once("`: "));
        let Some((key, reason)) = split else {
            return Self { key: String::new(), origin: String::new(), reason: text.to_owned() };
        };
        // The last one given is the one in force; a table holds its keys.
        let from = given.iter().rev().find(|leaf| {
            let own = leaf.key();
            key == own || key.strip_prefix(&own).is_some_and(|rest| rest.starts_with('.'))
        });
        // A default that is wrong beside another value comes from nowhere.
        let origin = from.map_or_else(String::new, |leaf| leaf.origin.clone());
        Self { key: key.to_owned(), origin, reason: reason.to_owned() }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}", self.reason)?;
        } else {
            write!(f, "`{}`: {}", self.key, self.reason)?;
        }
        if self.origin.is_empty() { Ok(()) } else { write!(f, " (in {})", self.origin) }
    }
}

/// A value from a file or the environment.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) path: Vec<String>,
    pub(super) value: Json,
    /// Whether it is text of the environment for a key whose type the default does not tell.
    pub(super) is_untyped: bool,
    pub(super) origin: String,
}

impl Given {
    pub(super) fn key(&self) -> String {
        dotted(&self.path)
    }

    /// What the value may be, the most literal first.
    pub(super) fn candidates(&self) -> Vec<Json> {
        let mut all = vec![self.value.clone()];
        if let (true, Json::String(text)) = (self.is_untyped, &self.value)
            && let Ok(scalar @ (Json::Number(_) | Json::Bool(_))) = serde_json::from_str(text)
        {
            all.push(scalar);
        }
        all
    }

    /// Sets the value in a configuration.
    pub(super) fn put(&self, config: &mut Json, value: Json) {
        let mut at = config;
        for part in &self.path {
            if !at.is_object() {
                *at = Json::Object(serde_json::Map::new());
            }
            let Json::Object(table) = at else { unreachable!("it was made a table") };
            at = table.entry(part.clone()).or_insert(Json::Null);
        }
        *at = value;
    }

    /// The problem that deserializing the value has, or the value of a key of the table that it is.
    pub(super) fn problem(&self, below: Option<&str>, reason: &str) -> Problem {
        let mut path = self.path.clone();
        path.extend(below.map(str::to_owned));
        let hide = path.iter().any(|part| is_secret_name(part));
        let (unknown, reason) = match words::unknown_field(reason) {
            Some((field, reason)) => (Some(field), reason),
            None => (None, words::in_words(reason, hide)),
        };
        // The unknown key itself, or one within the value.
        path.extend(unknown.filter(|field| Some(field.as_str()) != below));
        Problem { key: dotted(&path), origin: self.origin.clone(), reason }
    }
}

/// `kafka.client."sasl.password"`.
pub(super) fn dotted(path: &[String]) -> String {
    let quoted =
        |part: &String| if part.contains('.') { format!("\"{part}\"") } else { part.clone() };
    path.iter().map(quoted).collect::<Vec<_>>().join(".")
}
