//! Keys of the suite document. Each is declared once; the strict parser in this file, the JSON
//! Schema ([`crate::schema`]) and the tables of the documentation are derived from the declaration.

use std::collections::BTreeMap;

use event::{CellType, schema};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::problem::{Problem, nearest};
use crate::yaml::{Lines, element, member};

/// Largest number of characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 64;
/// Largest number of characters of a pattern.
pub(crate) const PATTERN_CHARS_MAX: usize = 4_096;
/// Largest size of a compiled pattern in memory, bytes.
const PATTERN_BYTES_MAX: usize = 512 * 1024;
/// Largest cache of a pattern while it searches in one direction, bytes.
const PATTERN_CACHE_BYTES_MAX: usize = 128 * 1024;
/// Prefix of the name of an attribute, where a column is expected.
pub(crate) const ATTRIBUTE: &str = "attributes.";

/// A key of an object of the document.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) form: Form,
    /// What it means, for people.
    pub(crate) doc: &'static str,
}

/// The form of the value of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// true or false.
    Flag,
    /// Lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
    Name,
    /// Text that is not empty.
    Text { chars_max: usize },
    /// A regular expression of the crate `regex`.
    Pattern,
    /// A number, both ends included.
    Number { min: f64, max: f64 },
    /// A number above 0, at most 1.
    Share,
    /// A number strictly between 0 and 1.
    Level,
    /// A whole number, both ends included.
    Count { min: u64, max: u64 },
    /// A list of at least one text; none is empty or repeats.
    Texts { chars_max: usize, items_max: usize },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Path of a text column of events, or `attributes.NAME`.
    TextColumn,
    /// Path of a numeric column of events, or `attributes.NAME`.
    NumberColumn,
    /// A map from names to texts, at least one.
    Labels { items_max: usize },
    /// A JSON Schema.
    Schema,
    /// An object with these keys.
    Section(&'static [Key]),
    /// The list of checks.
    Checks,
}

/// The valid fields of an object: known keys with values of the declared form.
#[derive(Debug)]
pub(crate) struct Fields<'v> {
    path: String,
    values: BTreeMap<&'static str, &'v Value>,
}

impl<'v> Fields<'v> {
    /// Path of a key of the object.
    pub(crate) fn path(&self, name: &str) -> String {
        member(&self.path, name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'v Value> {
        self.values.get(name).copied()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'v str> {
        self.value(name)?.as_str()
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.as_f64()
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        whole(self.value(name)?)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    /// The texts of a list; the reader accepts only lists of texts.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items = self.value(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The texts by name; the reader accepts only objects of texts.
    pub(crate) fn labels(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let members = self.value(name)?.as_object()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(members.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect())
    }
}

/// Parses a document and collects its problems.
#[derive(Debug)]
pub(crate) struct Reader<'l> {
    lines: Option<&'l Lines>,
    pub(crate) problems: Vec<Problem>,
}

impl<'l> Reader<'l> {
    pub(crate) const fn new(lines: Option<&'l Lines>) -> Self {
        Self { lines, problems: Vec::new() }
    }

    pub(crate) fn wrong(&mut self, path: &str, message: impl Into<String>) {
        let line = self.lines.and_then(|lines| lines.of(path));
        self.problems.push(Problem::new(path, line, message));
    }

    /// The valid fields of an object; problems are recorded. `None` if the value is not an object.
    pub(crate) fn object<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
        keys: &[&'static Key],
    ) -> Option<Fields<'v>> {
        let Some(members) = value.as_object() else {
            self.wrong(path, format!("must be an object, not {}", form_of(value)));
            return None;
        };
        let mut fields = Fields { path: path.to_owned(), values: BTreeMap::new() };
        for (name, value) in members {
            let inner = member(path, name);
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let near = nearest(name, keys.iter().map(|key| key.name));
                let known = keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
                let hint = near.map_or_else(
                    || format!("the keys here are {known}"),
                    |near| format!("did you mean `{near}`?"),
                );
                self.wrong(&inner, format!("unknown key; {hint}"));
                continue;
            };
            let before = self.problems.len();
            self.check(&inner, value, key.form);
            if self.problems.len() == before {
                fields.values.insert(key.name, value);
            }
        }
        for key in keys.iter().filter(|key| key.required && !members.contains_key(key.name)) {
            self.wrong(path, format!("`{}` is missing: {}", key.name, key.doc));
        }
        Some(fields)
    }

    /// Records the problems of a value of a form. Sections and checks are parsed by their owners.
    fn check(&mut self, path: &str, value: &Value, form: Form) {
        let problem = match form {
            Form::Section(_) | Form::Checks => None,
            Form::Texts { chars_max, items_max } => {
                self.texts(path, value, chars_max, items_max);
                None
            }
            Form::Labels { items_max } => {
                self.labels(path, value, items_max);
                None
            }
            Form::Flag
            | Form::Name
            | Form::Text { .. }
            | Form::Pattern
            | Form::Number { .. }
            | Form::Share
            | Form::Level
            | Form::Count { .. }
            | Form::Choice(_)
            | Form::TextColumn
            | Form::NumberColumn
            | Form::Schema => problem_of(value, form),
        };
        if let Some(problem) = problem {
            self.wrong(path, problem);
        }
    }

    fn texts(&mut self, path: &str, value: &Value, chars_max: usize, items_max: usize) {
        let Some(items) = value.as_array() else {
            self.wrong(path, format!("must be a list of texts, not {}", form_of(value)));
            return;
        };
        if items.is_empty() || items.len() > items_max {
            self.wrong(path, format!("must have 1 to {items_max} items"));
        }
        for (index, item) in items.iter().enumerate() {
            let inner = element(path, index);
            if let Some(problem) = problem_of(item, Form::Text { chars_max }) {
                self.wrong(&inner, problem);
            } else if items.iter().take(index).any(|other| other == item) {
                self.wrong(&inner, "repeats");
            }
        }
    }

    fn labels(&mut self, path: &str, value: &Value, items_max: usize) {
        let Some(members) = value.as_object() else {
            self.wrong(path, format!("must be an object of texts, not {}", form_of(value)));
            return;
        };
        if members.is_empty() || members.len() > items_max {
            self.wrong(path, format!("must have 1 to {items_max} members"));
        }
        for (key, value) in members {
            if let Some(problem) = problem_of(value, Form::Text { chars_max: 256 }) {
                self.wrong(&member(path, key), problem);
            }
        }
    }
}

/// The problem of a single value, if it has one.
fn problem_of(value: &Value, form: Form) -> Option<String> {
    let must = |what: &str| Some(format!("must be {what}, not {}", form_of(value)));
    match form {
        Form::Flag => value.as_bool().map_or_else(|| must("true or false"), |_| None),
        Form::Name => match value.as_str() {
            None => must("a name"),
            Some(name) if is_name(name) => None,
            Some(_) => Some(format!(
                "must be 1 to {NAME_CHARS_MAX} of a-z, 0-9, `.`, `_`, `-`, and begin with a letter or digit"
            )),
        },
        Form::Text { chars_max } => match value.as_str().map(|text| text.chars().count()) {
            None => must("text"),
            Some(count) if (1..=chars_max).contains(&count) => None,
            Some(_) => Some(format!("must have 1 to {chars_max} characters")),
        },
        Form::Pattern => match value.as_str() {
            None => must("a pattern"),
            Some(text) if text.is_empty() || text.chars().count() > PATTERN_CHARS_MAX => {
                Some(format!("must have 1 to {PATTERN_CHARS_MAX} characters"))
            }
            Some(text) => pattern(text).err(),
        },
        Form::Number { min, max } => match value.as_f64() {
            None => must("a number"),
            Some(number) if (min..=max).contains(&number) => None,
            Some(_) => Some(format!("must be from {min} to {max}")),
        },
        Form::Share => match value.as_f64() {
            None => must("a number"),
            Some(number) if number > 0.0 && number <= 1.0 => None,
            Some(_) => Some("must be above 0 and at most 1".to_owned()),
        },
        Form::Level => match value.as_f64() {
            None => must("a number"),
            Some(number) if number > 0.0 && number < 1.0 => None,
            Some(_) => Some("must be above 0 and below 1".to_owned()),
        },
        Form::Count { min, max } => match whole(value) {
            None => must("a whole number, not negative"),
            Some(number) if (min..=max).contains(&number) => None,
            Some(_) => Some(format!("must be from {min} to {max}")),
        },
        Form::Choice(words) => match value.as_str() {
            Some(word) if words.contains(&word) => None,
            Some(word) => Some(match nearest(word, words.iter().copied()) {
                Some(near) => format!("`{word}` is not known; did you mean `{near}`?"),
                None => format!("`{word}` is not known; one of {}", words.join(", ")),
            }),
            None => must("text"),
        },
        Form::TextColumn => column_problem(value, &TEXT),
        Form::NumberColumn => column_problem(value, &NUMBER),
        Form::Schema => {
            (!value.is_object() && !value.is_boolean()).then(|| must("a JSON Schema")).flatten()
        }
        Form::Texts { .. } | Form::Labels { .. } | Form::Section(_) | Form::Checks => None,
    }
}

/// Types of columns that contain one text.
pub(crate) const TEXT: [CellType; 1] = [CellType::Text];
/// Types of columns that contain one number.
pub(crate) const NUMBER: [CellType; 2] = [CellType::Int, CellType::Float];

/// Paths of the columns of events that have one of the types.
pub(crate) fn columns(types: &[CellType]) -> impl Iterator<Item = &'static str> {
    let all = schema().columns().iter();
    all.filter(|column| types.contains(&column.cell_type)).map(|column| column.path.as_str())
}

fn column_problem(value: &Value, types: &[CellType]) -> Option<String> {
    let Some(path) = value.as_str() else {
        return Some(format!("must be the path of a column, not {}", form_of(value)));
    };
    if let Some(name) = path.strip_prefix(ATTRIBUTE) {
        return name.is_empty().then(|| "the name of the attribute is missing".to_owned());
    }
    if columns(types).any(|known| known == path) {
        return None;
    }
    let what = if types == TEXT { "text" } else { "a number" };
    if schema().id(path).is_some() {
        return Some(format!("the column `{path}` does not contain {what}"));
    }
    Some(match nearest(path, columns(types)) {
        Some(near) => format!("no column `{path}`; did you mean `{near}`?"),
        None => format!("no column `{path}`; schemas/events/README.md lists them"),
    })
}

/// Compiles a pattern: linear in the text (no look-around, no back-references), bounded in memory.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_CACHE_BYTES_MAX)
        .build()
        .map_err(|error| {
            if let regex::Error::CompiledTooBig(max) = error {
                return format!("the pattern compiles to more than {max} bytes: repeat less");
            }
            // The last line has the message; those before it draw an arrow.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("not a pattern: {}", last.trim_start_matches("error: "))
        })
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    name.len() <= NAME_CHARS_MAX
        && name.bytes().all(inner)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// A whole number that is not negative, whatever its notation (`5`, `5.0`).
fn whole(value: &Value) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let number = value.as_f64()?;
    let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative, below 2^53"
    )]
    fits.then_some(number as u64)
}

/// Form of a value, in words.
fn form_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
