//! The TOML document, and its validated form.

use std::collections::BTreeMap;

use event::schema;
use serde::Deserialize;
use thiserror::Error;

use crate::path::{Pattern, Place, Reference, text_of};

/// Format of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// JSON: one value per line, an array, or a single document.
    Json,
}

/// Why a mapping is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// Invalid TOML, an unknown key or a missing one.
    #[error("{0}")]
    Document(String),
    /// A template is invalid.
    #[error("event {event}, `{key}`: {reason}")]
    Template {
        /// Number of the template, from 1.
        event: usize,
        /// Key in the template.
        key: String,
        /// The problem.
        reason: String,
    },
}

/// A validated mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    format: Format,
    records: Option<Pattern>,
    templates: Vec<Template>,
}

#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) kind: String,
    pub(crate) each: Option<Pattern>,
    pub(crate) when: Vec<Condition>,
    pub(crate) fields: BTreeMap<String, Field>,
}

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) at: Reference,
    pub(crate) test: Test,
}

#[derive(Debug, Clone)]
pub(crate) enum Test {
    Present(bool),
    Equals(String),
    NotEquals(String),
    In(Vec<String>),
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) source: Origin,
    pub(crate) default: Option<String>,
    pub(crate) map: Option<BTreeMap<String, String>>,
    pub(crate) scale: Option<f64>,
    pub(crate) split: Option<String>,
    pub(crate) step_ms: i64,
}

#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Const(String),
    At(Reference),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Literal(String),
    At(Reference),
}

impl Origin {
    /// The text; `None` if the place is absent (for a template: if all places are).
    pub(crate) fn text(&self, place: Place<'_>) -> Option<String> {
        match self {
            Self::Const(text) => Some(text.clone()),
            Self::At(reference) => reference.find(place).and_then(text_of),
            Self::Parts(parts) => {
                let mut text = String::new();
                let mut found = false;
                for part in parts {
                    match part {
                        Part::Literal(literal) => text.push_str(literal),
                        Part::At(reference) => {
                            if let Some(value) = reference.find(place).and_then(text_of) {
                                found = true;
                                text.push_str(&value);
                            }
                        }
                    }
                }
                found.then_some(text)
            }
        }
    }

    /// All places that are read.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        let (one, many) = match self {
            Self::Const(_) => (None, [].as_slice()),
            Self::At(reference) => (Some(reference), [].as_slice()),
            Self::Parts(parts) => (None, parts.as_slice()),
        };
        let inside = many.iter().filter_map(|part| match part {
            Part::At(reference) => Some(reference),
            Part::Literal(_) => None,
        });
        one.into_iter().chain(inside)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    #[expect(dead_code, reason = "for people; declared so that the key is accepted")]
    description: Option<String>,
    source: RawSource,
    event: Vec<RawTemplate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    format: Format,
    records: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplate {
    kind: String,
    each: Option<String>,
    #[serde(default)]
    when: Vec<RawCondition>,
    fields: BTreeMap<String, RawField>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    column: Option<String>,
    pointer: Option<String>,
    present: Option<bool>,
    equals: Option<String>,
    not_equals: Option<String>,
    r#in: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    column: Option<String>,
    pointer: Option<String>,
    r#const: Option<toml::Value>,
    template: Option<String>,
    default: Option<toml::Value>,
    map: Option<BTreeMap<String, toml::Value>>,
    scale: Option<f64>,
    split: Option<String>,
    step_ms: Option<i64>,
}

impl Mapping {
    /// Parses and validates a document.
    ///
    /// # Errors
    ///
    /// Unknown keys, kinds and target fields; invalid pointers; conditions and fields with none or more
    /// than one of their alternatives.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let raw: RawMapping = toml::from_str(text)
            .map_err(|error| MappingError::Document(error.to_string().trim_end().to_owned()))?;
        let records = raw
            .source
            .records
            .map(|records| Pattern::parse(&records))
            .transpose()
            .map_err(MappingError::Document)?;
        if raw.event.is_empty() {
            return Err(MappingError::Document("`event`: must have at least one template".into()));
        }
        let mut templates = Vec::new();
        for (number, raw) in raw.event.into_iter().enumerate() {
            templates.push(template(raw).map_err(|(key, reason)| MappingError::Template {
                event: number + 1,
                key,
                reason,
            })?);
        }
        Ok(Self { format: raw.source.format, records, templates })
    }

    /// Format of the source.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The records of a JSON document: the elements of the array that `records` points to, or the
    /// document itself.
    #[must_use]
    pub fn records(&self, document: serde_json::Value) -> Vec<serde_json::Value> {
        let Some(records) = &self.records else { return vec![document] };
        let place = Place { root: &document, item: &document };
        let at = Reference { from_root: true, tokens: records.0.clone() };
        match at.find(place) {
            Some(serde_json::Value::Array(elements)) => elements.clone(),
            Some(other) => vec![other.clone()],
            None => Vec::new(),
        }
    }

    /// Whether records are inside a document, which must then be read as a whole.
    #[must_use]
    pub const fn reads_documents(&self) -> bool {
        self.records.is_some()
    }

    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }
}

fn template(raw: RawTemplate) -> Result<Template, (String, String)> {
    if schema().family(&raw.kind).is_none() {
        return Err(("kind".into(), format!("unknown kind `{}`", raw.kind)));
    }
    let each = raw
        .each
        .map(|each| Pattern::parse(&each))
        .transpose()
        .map_err(|reason| ("each".to_owned(), reason))?;
    let when = raw
        .when
        .into_iter()
        .map(condition)
        .collect::<Result<_, _>>()
        .map_err(|reason| ("when".to_owned(), reason))?;
    let mut fields = BTreeMap::new();
    for (target, raw) in raw.fields {
        let key = format!("fields.{target}");
        let known = target.starts_with("attributes.") || schema().id(&target).is_some();
        if !known || target == "kind" || target == "attributes" {
            return Err((key, "unknown event field".into()));
        }
        let field = field(raw).map_err(|reason| (key, reason))?;
        fields.insert(target, field);
    }
    Ok(Template { kind: raw.kind, each, when, fields })
}

fn reference(column: Option<String>, pointer: Option<String>) -> Result<Option<Reference>, String> {
    match (column, pointer) {
        (None, None) => Ok(None),
        (Some(column), None) => Ok(Some(Reference::column(&column))),
        (None, Some(pointer)) => {
            if pointer.starts_with('/') || pointer.starts_with('^') || pointer.is_empty() {
                Reference::parse(&pointer).map(Some)
            } else {
                Err(format!("`{pointer}` is not a JSON pointer: must begin with `/`"))
            }
        }
        (Some(_), Some(_)) => Err("must have `column` or `pointer`, not both".into()),
    }
}

fn condition(raw: RawCondition) -> Result<Condition, String> {
    let at = reference(raw.column, raw.pointer)?.ok_or("must have `column` or `pointer`")?;
    let tests = [
        raw.present.map(Test::Present),
        raw.equals.map(Test::Equals),
        raw.not_equals.map(Test::NotEquals),
        raw.r#in.map(Test::In),
    ];
    let mut tests = tests.into_iter().flatten();
    match (tests.next(), tests.next()) {
        (Some(test), None) => Ok(Condition { at, test }),
        (None, _) | (Some(_), Some(_)) => {
            Err("must have one of `present`, `equals`, `not_equals` and `in`".into())
        }
    }
}

fn field(raw: RawField) -> Result<Field, String> {
    let at = reference(raw.column, raw.pointer)?;
    let source = match (raw.r#const, at, raw.template) {
        (Some(value), None, None) => Origin::Const(text(&value)?),
        (None, Some(reference), None) => Origin::At(reference),
        (None, None, Some(template)) => Origin::Parts(parts(&template)?),
        _ => return Err("must have one of `column`, `pointer`, `const` and `template`".into()),
    };
    let map = raw.map.map(|map| {
        map.iter()
            .map(|(key, value)| Ok((key.clone(), text(value)?)))
            .collect::<Result<_, String>>()
    });
    Ok(Field {
        source,
        default: raw.default.as_ref().map(text).transpose()?,
        map: map.transpose()?,
        scale: raw.scale,
        split: raw.split,
        step_ms: raw.step_ms.unwrap_or(0),
    })
}

/// Text of a scalar TOML value.
fn text(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(value) => Ok(value.to_string()),
        toml::Value::Float(value) => Ok(value.to_string()),
        toml::Value::Boolean(value) => Ok(value.to_string()),
        toml::Value::Datetime(value) => Ok(value.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => Err("must be a scalar value".into()),
    }
}

/// Parses `{column}`, `{/pointer}`, `{^/pointer}` and literal text; literal braces are doubled.
fn parts(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = template.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '{' | '}' if rest.peek() == Some(&next) => {
                rest.next();
                literal.push(next);
            }
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(part) if part != '{' => name.push(part),
                        Some(_) | None => {
                            return Err(format!("`{template}`: unclosed brace"));
                        }
                    }
                }
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::At(Reference::parse(&name)?));
            }
            '}' => return Err(format!("`{template}`: unopened brace")),
            _ => literal.push(next),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}
