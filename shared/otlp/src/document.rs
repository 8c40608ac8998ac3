//! The documents that say what the attributes of a convention mean.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

/// The documents, in the order in which their rules are tried: name and text. What is more specific
/// comes first; the last one takes every span.
pub const DOCUMENTS: [(&str, &str); 8] = [
    ("langfuse", include_str!("../../../schemas/mappings/otlp/langfuse.toml")),
    ("openinference", include_str!("../../../schemas/mappings/otlp/openinference.toml")),
    ("mcp", include_str!("../../../schemas/mappings/otlp/mcp.toml")),
    ("vercel-ai", include_str!("../../../schemas/mappings/otlp/vercel-ai.toml")),
    ("pydantic-ai", include_str!("../../../schemas/mappings/otlp/pydantic-ai.toml")),
    ("openllmetry", include_str!("../../../schemas/mappings/otlp/openllmetry.toml")),
    ("otel-genai", include_str!("../../../schemas/mappings/otlp/otel-genai.toml")),
    ("spans", include_str!("../../../schemas/mappings/otlp/spans.toml")),
];

/// Why a document is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("mapping `{name}`: {reason}")]
pub struct DocumentError {
    /// The document.
    pub name: String,
    /// The key, and what is wrong with it.
    pub reason: String,
}

impl DocumentError {
    pub(crate) fn new(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), reason: reason.into() }
    }
}

/// A document as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[expect(dead_code, reason = "for people; declared so that the key is accepted")]
    pub(crate) description: String,
    /// The convention and its versions; for people, and in every event.
    pub(crate) convention: String,
    /// Document whose agent, version and fields hold where this one has none.
    pub(crate) extends: Option<String>,
    /// Where the agent is named; the first that has a value.
    #[serde(default)]
    pub(crate) agent: Vec<String>,
    /// Where its version is named; the first that has a value.
    #[serde(default)]
    pub(crate) version: Vec<String>,
    /// What spans become.
    #[serde(default)]
    pub(crate) span: Vec<Rule>,
    /// What log records become.
    #[serde(default)]
    pub(crate) log: Vec<Rule>,
    /// Where the fields of events come from. Those of another family than that of the kind do not
    /// count.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, Field>,
}

/// The kind of event that is made where all conditions hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
}

/// A condition; exactly one test of one subject.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// An attribute of the span or record.
    pub(crate) attribute: Option<String>,
    /// Whether the span has no parent.
    pub(crate) root: Option<bool>,
    /// The kind of the span.
    pub(crate) span_kind: Option<Vec<String>>,
    /// The name of the event of a log record.
    pub(crate) event: Option<String>,
    /// The beginning of the name of the instrumentation scope.
    pub(crate) scope: Option<String>,
    pub(crate) present: Option<bool>,
    pub(crate) r#in: Option<Vec<String>>,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Field {
    /// One attribute.
    One(String),
    /// The first attribute that has a value.
    First(Vec<String>),
    /// The first attribute that has a value, as another text.
    Mapped(Mapped),
}

/// A field whose texts are replaced.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapped {
    pub(crate) from: Vec<String>,
    /// Text to text, without regard to case; a text that is not in it is no value.
    pub(crate) map: BTreeMap<String, String>,
}

impl Field {
    /// The attributes, and the texts that replace their values.
    pub(crate) fn parts(&self) -> (&[String], Option<&BTreeMap<String, String>>) {
        match self {
            Self::One(one) => (std::slice::from_ref(one), None),
            Self::First(from) => (from, None),
            Self::Mapped(Mapped { from, map }) => (from, Some(map)),
        }
    }
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Document, DocumentError> {
    toml::from_str(text).map_err(|error| DocumentError::new(name, error.to_string().trim_end()))
}
