//! The in-toto Statement around every predicate, and the values that predicates share: numbers of
//! 64 bits and digests are texts.

use merkle::{Hash, hash};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ManifestError;

/// Type of the statement's predicate.
pub const PREDICATE_TYPE: &str = "urn:driftseal:manifest:v1";

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Something that a manifest is about: an object of the archive by its path, or a key by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Path in the archive, or name of the key.
    pub name: String,
    /// SHA-256 of the bytes of the object, or of the text of the key.
    pub sha256: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate: P,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Descriptor>,
}

/// A subject as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Descriptor {
    digest: Digest,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: String,
}

impl Descriptor {
    pub(super) fn of(subject: &Subject) -> Self {
        let sha256 = hash::to_hex(&subject.sha256);
        Self { digest: Digest { sha256 }, name: subject.name.clone() }
    }

    pub(super) fn subject(self) -> Result<Subject, ManifestError> {
        Ok(Subject { sha256: digest(&self.digest.sha256)?, name: self.name })
    }
}

/// The canonical bytes of a statement.
#[expect(clippy::expect_used, reason = "texts, lists and small numbers always have a JSON form")]
pub(super) fn to_bytes<P: Serialize>(predicate: P, subjects: &[Subject]) -> Vec<u8> {
    let statement = Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        predicate,
        predicate_type: PREDICATE_TYPE.to_owned(),
        subject: subjects.iter().map(Descriptor::of).collect(),
    };
    serde_json_canonicalizer::to_vec(&statement).expect("a statement has a JSON form")
}

/// The JSON of a payload; whether it is canonical is for the caller to see.
pub(super) fn parse(payload: &[u8]) -> Result<Value, ManifestError> {
    serde_json::from_slice(payload).map_err(|error| ManifestError::Form(error.to_string()))
}

/// The canonical bytes of any JSON.
pub(super) fn canonical(value: &Value) -> Result<Vec<u8>, ManifestError> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| ManifestError::Form(error.to_string()))
}

/// Kind of the entry.
pub(super) fn kind(statement: &Value) -> Result<&str, ManifestError> {
    let kind = statement.pointer("/predicate/kind").and_then(Value::as_str);
    kind.ok_or_else(|| ManifestError::form("it has no kind"))
}

/// Predicate and subjects of a statement.
pub(super) fn open<P: DeserializeOwned>(
    statement: Value,
) -> Result<(P, Vec<Subject>), ManifestError> {
    let statement: Statement<P> = serde_json::from_value(statement)
        .map_err(|error| ManifestError::Form(error.to_string()))?;
    expect(STATEMENT_TYPE, &statement.statement_type)?;
    expect(PREDICATE_TYPE, &statement.predicate_type)?;
    let subjects: Result<Vec<_>, _> =
        statement.subject.into_iter().map(Descriptor::subject).collect();
    let subjects = subjects?;
    if subjects.is_empty() {
        return Err(ManifestError::form("it has no subject"));
    }
    Ok((statement.predicate, subjects))
}

pub(super) fn expect(expected: &str, found: &str) -> Result<(), ManifestError> {
    if found == expected {
        Ok(())
    } else {
        Err(ManifestError::Form(format!("`{found}` is not `{expected}`")))
    }
}

pub(super) fn number<N: std::str::FromStr>(text: &str) -> Result<N, ManifestError> {
    text.parse().map_err(|_| ManifestError::Form(format!("`{text}` is not a number in its range")))
}

pub(super) fn digest(text: &str) -> Result<Hash, ManifestError> {
    hash::from_hex(text).ok_or_else(|| ManifestError::Form(format!("`{text}` is not a SHA-256")))
}
