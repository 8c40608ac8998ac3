//! The evaluators: deterministic, without a model, one file each.
//!
//! To add one, write its file (a [`Definition`] with its keys, and an [`Evaluator`]) and its line
//! in `list.rs`; parsing, JSON Schema and documentation are derived from the definition.
//!
//! An explanation never quotes what the agent wrote: it may be personal data.

mod citation_present;
mod contains;
mod cost_max;
mod evaluator;
mod forbidden;
mod json_schema;
mod latency_max;
mod list;
mod numeric_bounds;
mod reading;
mod regex;
mod steps_max;
mod tokens_max;
mod tool_allow_list;

pub(crate) use self::evaluator::Definition;
pub(crate) use self::list::ALL;
pub(crate) use self::reading::{CHECKS_MAX, COMMON, Check, read};

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of evaluators share.

    use super::list::ALL;
    use super::reading::{Check, read};
    use crate::key::{Form, Key, Reader};
    use crate::runs::RunFacts;
    use crate::trial::{Trial, TrialKind};
    use crate::verdict::CheckVerdict;
    use event::{Cell, ColumnId, Event, EventBuilder, Timestamp, column};
    use serde_json::Value;

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
            Form::TextColumn => column::run::OUTPUT.path().into(),
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
        let here = include_str!("check.rs");
        let files = here.lines().filter(|line| line.starts_with("mod ")).count();
        // Beside the evaluators: what they are, the list of them, and how checks are read.
        assert_eq!(ALL.len() + 3, files);
    }
}
