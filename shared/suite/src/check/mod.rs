//! The evaluators: deterministic, without a model, each in a file of its own.
//!
//! To add one, write the file (a [`Definition`] with its keys, and an [`Evaluator`]) and its line
//! in [`ALL`]; reading, JSON Schema and documentation follow from the definition.
//!
//! An explanation never repeats what the agent wrote: it may be personal data.

mod citation_present;
mod contains;
mod cost_max;
mod forbidden;
mod json_schema;
mod latency_max;
mod numeric_bounds;
mod regex;
mod steps_max;
mod tokens_max;
mod tool_allow_list;

use std::fmt::Debug;

use serde_json::Value;

use crate::key::{Fields, Form, Key, Reader};
use crate::problem::nearest;
use crate::trial::{Input, Trial, TrialKind};
use crate::verdict::{CheckVerdict, Outcome};
use crate::yaml::{element, member};

/// The evaluators, in the order of their names.
pub(crate) const ALL: &[&Definition] = &[
    &citation_present::DEFINITION,
    &contains::DEFINITION,
    &cost_max::DEFINITION,
    &forbidden::DEFINITION,
    &json_schema::DEFINITION,
    &latency_max::DEFINITION,
    &numeric_bounds::DEFINITION,
    &regex::DEFINITION,
    &steps_max::DEFINITION,
    &tokens_max::DEFINITION,
    &tool_allow_list::DEFINITION,
];

/// Checks of a suite.
pub(crate) const CHECKS_MAX: usize = 64;

/// Keys that every check has.
pub(crate) const COMMON: &[Key] = &[
    Key { name: "type", required: true, form: Form::Name, doc: "Which evaluator." },
    Key {
        name: "name",
        required: false,
        form: Form::Name,
        doc: "Name of the check, unique in the suite; the type, if absent.",
    },
];

/// An evaluator as the document knows it.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The `type` of its checks.
    pub(crate) name: &'static str,
    /// What it asks, for people.
    pub(crate) doc: &'static str,
    /// Its keys besides [`COMMON`].
    pub(crate) keys: &'static [Key],
    /// At least one of these keys is needed.
    pub(crate) any_of: &'static [&'static str],
    /// Kinds of events that it can judge.
    pub(crate) kinds: &'static [TrialKind],
    /// Makes a check; notes what is wrong with its values.
    pub(crate) parse: fn(&Fields<'_>, TrialKind, &mut Reader<'_>) -> Option<Box<dyn Evaluator>>,
}

/// Judges an event by one criterion.
pub(crate) trait Evaluator: Debug + Send + Sync {
    /// What it finds.
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding;

    /// Whether it asks for what was seen of the run before it ended.
    fn needs_run(&self) -> bool {
        false
    }
}

/// What an evaluator finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    Passed {
        explanation: String,
    },
    /// With a score from 0 to below 1: how near it was.
    Failed {
        score: f64,
        explanation: String,
    },
    /// There is nothing to judge; it counts as neither.
    NotApplicable {
        reason: String,
    },
}

impl Finding {
    pub(crate) fn of(passed: bool, explanation: String) -> Self {
        if passed { Self::Passed { explanation } } else { Self::failed(explanation) }
    }

    pub(crate) fn failed(explanation: impl Into<String>) -> Self {
        Self::Failed { score: 0.0, explanation: explanation.into() }
    }

    pub(crate) fn not_applicable(reason: impl Into<String>) -> Self {
        Self::NotApplicable { reason: reason.into() }
    }
}

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

/// Reads the list of checks.
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
        reader.wrong(path, "`type` is missing: which evaluator");
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
        // A check must never be left out in silence.
        if reader.problems.len() == before {
            reader.wrong(path, "these values make no check");
        }
        return None;
    };
    Some((fields.text("name").unwrap_or(named).to_owned(), evaluator))
}

/// The key `column` of evaluators that read text.
pub(crate) const TEXT_COLUMN: Key = Key {
    name: "column",
    required: false,
    form: Form::TextColumn,
    doc: "Where the text is; if absent, what was produced: run.output, model.output or tool.result.",
};

/// Where the text is.
pub(crate) fn text_input(fields: &Fields<'_>, kind: TrialKind) -> Option<Input> {
    fields.text("column").map_or_else(|| Some(Input::of(kind.output())), Input::parse)
}

/// Judges a number by its upper limit.
fn at_most(value: Option<f64>, limit: f64, unit: &str, missing: String) -> Finding {
    let Some(value) = value else { return Finding::not_applicable(missing) };
    Finding::of(value <= limit, format!("{value} {unit}, at most {limit}"))
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of evaluators share.

    use super::*;
    use crate::runs::RunFacts;
    use event::{Cell, ColumnId, Event, EventBuilder, Timestamp, column};

    /// A check from its JSON.
    pub(crate) fn check(kind: TrialKind, json: &Value) -> Result<Check, Vec<String>> {
        let mut reader = Reader::new(None);
        let list = Value::Array(vec![json.clone()]);
        let mut checks = read("checks", &list, kind, &mut reader);
        match checks.pop() {
            Some(check) if reader.problems.is_empty() => Ok(check),
            Some(_) | None => Err(reader.problems.iter().map(ToString::to_string).collect()),
        }
    }

    /// An event with these columns.
    pub(crate) fn event<'v>(kind: TrialKind, columns: &[(ColumnId, Cell<'v>)]) -> Event<'static> {
        let mut builder = EventBuilder::new(kind.name())
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0));
        for (column, cell) in columns {
            builder = builder.set_cell(*column, cell.clone());
        }
        builder.build().unwrap()
    }

    /// What a check says about a run with these columns.
    pub(crate) fn judge(json: &Value, columns: &[(ColumnId, Cell<'_>)]) -> CheckVerdict {
        judge_with(json, columns, None)
    }

    /// As [`judge`], with what was seen of the run.
    pub(crate) fn judge_with(
        json: &Value,
        columns: &[(ColumnId, Cell<'_>)],
        run: Option<&RunFacts>,
    ) -> CheckVerdict {
        let event = event(TrialKind::Run, columns);
        let trial = Trial { event: &event, kind: TrialKind::Run, run };
        check(TrialKind::Run, json).unwrap().judge(&trial)
    }

    #[test]
    fn every_evaluator_can_be_made_with_what_is_required_alone() {
        let fill = |form: Form| match form {
            Form::Pattern | Form::Text { .. } | Form::Name => "a".into(),
            Form::Number { .. } | Form::Share | Form::Level | Form::Count { .. } => 1.into(),
            Form::Texts { .. } => serde_json::json!(["a"]),
            Form::NumberColumn => "run.steps".into(),
            Form::TextColumn => "run.output".into(),
            Form::Flag | Form::Schema => true.into(),
            Form::Choice(words) => words[0].into(),
            Form::Labels { .. } | Form::Section(_) | Form::Checks => Value::Null,
        };
        for definition in ALL {
            let needed = |key: &&Key| key.required || definition.any_of.first() == Some(&key.name);
            let mut json = serde_json::json!({"type": definition.name});
            for key in definition.keys.iter().filter(needed) {
                json[key.name] = fill(key.form);
            }
            for kind in definition.kinds {
                assert!(check(*kind, &json).is_ok(), "{json}: {:?}", check(*kind, &json));
            }
        }
    }

    #[test]
    fn the_list_is_in_order_and_complete() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        let here = include_str!("mod.rs");
        let files = here.lines().filter(|line| line.starts_with("mod ")).count();
        assert_eq!(ALL.len(), files);
    }
}
