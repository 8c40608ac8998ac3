//! The checks of a document: parsing and judging.

use serde_json::Value;

use super::evaluator::{Evaluator, Finding};
use super::list::ALL;
use crate::key::{Form, Key, Reader};
use crate::problem::nearest;
use crate::trial::{Trial, TrialKind};
use crate::verdict::{CheckVerdict, Outcome};
use crate::yaml::{element, member};

/// Largest number of checks of a suite.
pub(crate) const CHECKS_MAX: usize = 64;

/// Keys that every check has.
pub(crate) const COMMON: &[Key] = &[
    Key { name: "type", required: true, form: Form::Name, doc: "Name of the evaluator." },
    Key {
        name: "name",
        required: false,
        form: Form::Name,
        doc: "Name of the check, unique in the suite; the type if absent.",
    },
];

/// A check of a suite.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) evaluator: Box<dyn Evaluator>,
}

impl Check {
    pub(crate) fn judge(&self, trial: &Trial<'_, '_>) -> CheckVerdict {
        let (outcome, score, explanation) = match self.evaluator.judge(trial) {
            Finding::Passed { explanation } => (Outcome::Passed, Some(1.0), explanation),
            Finding::Failed { score, explanation } => (Outcome::Failed, Some(score), explanation),
            Finding::NotApplicable { reason } => (Outcome::NotApplicable, None, reason),
        };
        CheckVerdict { check: self.name.clone(), outcome, score, explanation }
    }
}

/// Parses the list of checks.
pub(crate) fn read(
    path: &str,
    value: &Value,
    kind: TrialKind,
    reader: &mut Reader<'_>,
) -> Vec<Check> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > CHECKS_MAX {
        reader.wrong(path, format!("must be a list of 1 to {CHECKS_MAX} checks"));
        return Vec::new();
    }
    let mut checks: Vec<Check> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = element(path, index);
        let Some((name, evaluator)) = read_one(&path, item, kind, reader) else { continue };
        if checks.iter().any(|other| other.name == name) {
            let message = format!("a second check is named `{name}`: give it another `name`");
            reader.wrong(&path, message);
        }
        checks.push(Check { name, evaluator });
    }
    checks
}

fn read_one(
    path: &str,
    item: &Value,
    kind: TrialKind,
    reader: &mut Reader<'_>,
) -> Option<(String, Box<dyn Evaluator>)> {
    let Some(members) = item.as_object() else {
        reader.wrong(path, "must be an object with a `type`");
        return None;
    };
    let Some(named) = members.get("type").and_then(Value::as_str) else {
        reader.wrong(path, "`type` is missing: the name of the evaluator");
        return None;
    };
    let Some(definition) = ALL.iter().find(|known| known.name == named) else {
        let names = || ALL.iter().map(|known| known.name);
        let hint = nearest(named, names()).map_or_else(
            || format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        reader.wrong(&member(path, "type"), format!("no evaluator `{named}`; {hint}"));
        return None;
    };
    let before = reader.problems.len();
    let keys: Vec<&'static Key> = COMMON.iter().chain(definition.keys).collect();
    let fields = reader.object(path, item, &keys)?;
    if !definition.any_of.is_empty()
        && !definition.any_of.iter().any(|key| members.contains_key(*key))
    {
        let names: Vec<String> = definition.any_of.iter().map(|key| format!("`{key}`")).collect();
        reader.wrong(path, format!("{} is missing", names.join(" or ")));
    }
    if !definition.kinds.contains(&kind) {
        let message = format!("`{named}` cannot judge events of kind `{}`", kind.name());
        reader.wrong(&member(path, "type"), message);
    }
    if reader.problems.len() > before {
        return None;
    }
    let Some(evaluator) = (definition.parse)(&fields, kind, reader) else {
        // A check is never dropped silently.
        if reader.problems.len() == before {
            reader.wrong(path, "these values make no check");
        }
        return None;
    };
    Some((fields.text("name").unwrap_or(named).to_owned(), evaluator))
}
