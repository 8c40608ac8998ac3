//! Entries that change what earlier entries cover: erasure, compaction, retention.
//!
//! No program writes them yet. What is fixed is what a verifier needs to know which objects they
//! cover: their subjects are the objects that exist because of them (of a retention, the objects
//! that are gone), `replaced` names the objects that need not exist any more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ManifestError;
use super::statement::{self, Descriptor, Subject, number};

/// Kind of an [`Amendment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AmendmentKind {
    /// Values were erased: a segment object was written again without them. Every leaf is as before.
    Erasure,
    /// Segments were joined into larger objects. Every leaf is as before.
    Compaction,
    /// Objects were deleted because their time to be kept is over.
    Retention,
}

impl AmendmentKind {
    const ALL: [Self; 3] = [Self::Erasure, Self::Compaction, Self::Retention];

    /// The name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Compaction => "compaction",
            Self::Retention => "retention",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An entry that changes what earlier entries cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// What it does.
    pub kind: AmendmentKind,
    /// Origin of the log that it is an entry of.
    pub log: String,
    /// Numbers of the log entries that it amends, at least one, ascending.
    pub entries: Vec<u64>,
    /// Objects that need not exist any more.
    pub replaced: Vec<Subject>,
    /// What it covers, at least one.
    pub subjects: Vec<Subject>,
    /// Why, in a few words or as a code.
    pub reason: String,
    /// Name and version of the program.
    pub program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    entries: Vec<String>,
    kind: String,
    log: String,
    program: String,
    reason: String,
    replaced: Vec<Descriptor>,
}

impl Amendment {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let predicate = Predicate {
            entries: self.entries.iter().map(u64::to_string).collect(),
            kind: self.kind.name().to_owned(),
            log: self.log.clone(),
            program: self.program.clone(),
            reason: self.reason.clone(),
            replaced: self.replaced.iter().map(Descriptor::of).collect(),
        };
        statement::to_bytes(predicate, &self.subjects)
    }

    pub(super) fn parse(kind: AmendmentKind, value: Value) -> Result<Self, ManifestError> {
        let (predicate, subjects) = statement::open::<Predicate>(value)?;
        let entries: Result<Vec<u64>, _> =
            predicate.entries.iter().map(|text| number(text)).collect();
        let entries = entries?;
        if !entries.is_sorted_by(|one, next| one < next) {
            return Err(ManifestError::form("the entries do not ascend"));
        }
        if entries.is_empty() {
            return Err(ManifestError::form("it amends no entry"));
        }
        let replaced: Result<_, _> =
            predicate.replaced.into_iter().map(Descriptor::subject).collect();
        Ok(Self {
            kind,
            log: predicate.log,
            entries,
            replaced: replaced?,
            subjects,
            reason: predicate.reason,
            program: predicate.program,
        })
    }
}
