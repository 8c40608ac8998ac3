//! `tool_allow_list`: only listed tools were requested.

use event::column;
use std::collections::BTreeSet;

use super::evaluator::{Definition, Evaluator, Finding};
use crate::key::{Fields, Form, Key, Reader};
use crate::runs::TOOL_BYTES_MAX;
use crate::trial::{Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "tool_allow_list",
    doc: "Every tool that the run requested before it ended, blocked or not, is in the list. A run of which nothing was recorded is not judged.",
    keys: &[Key {
        name: "tools",
        required: true,
        form: Form::Texts { chars_max: TOOL_BYTES_MAX, items_max: 256 },
        doc: "Names of the allowed tools.",
    }],
    any_of: &[],
    kinds: &[TrialKind::Run, TrialKind::Tool],
    parse,
};

#[derive(Debug)]
struct Allowed {
    tools: BTreeSet<String>,
}

fn parse(fields: &Fields<'_>, _: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    Some(Box::new(Allowed { tools: fields.texts("tools")?.into_iter().collect() }))
}

impl Allowed {
    /// Judges names; `more` says that there were others, which are not known.
    fn judge<'n>(&self, names: impl Iterator<Item = &'n str>, more: bool) -> Finding {
        let (mut seen, mut outside) = (0_usize, Vec::new());
        for name in names {
            seen += 1;
            if !self.tools.contains(name) {
                outside.push(name);
            }
        }
        match outside.first() {
            Some(first) if outside.len() == 1 => {
                Finding::failed(format!("the tool `{first}` is not in the list"))
            }
            Some(first) => Finding::failed(format!(
                "the tool `{first}` and {} more are not in the list",
                outside.len() - 1
            )),
            None if more => Finding::not_applicable("the run used more tools than are recorded"),
            None => Finding::of(true, format!("{seen} tools, all of them in the list")),
        }
    }
}

impl Evaluator for Allowed {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        match (trial.kind, trial.run) {
            (TrialKind::Run, Some(run)) => {
                self.judge(run.tools.iter().map(String::as_str), run.tools_overflowed)
            }
            (TrialKind::Run, None) => {
                Finding::not_applicable("nothing of the run was recorded before it ended")
            }
            (TrialKind::Tool | TrialKind::Model, _) => match trial.event.text(column::tool::NAME) {
                Some(name) => self.judge(std::iter::once(name), false),
                None => Finding::not_applicable("`tool.name` has no value"),
            },
        }
    }

    fn needs_run(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, event, judge, judge_with};
    use super::*;
    use crate::runs::RunFacts;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    fn used(tools: &[&str], tools_overflowed: bool) -> RunFacts {
        let mut facts = RunFacts::default();
        facts.tools.extend(tools.iter().map(|tool| (*tool).to_owned()));
        facts.tools_overflowed = tools_overflowed;
        facts
    }

    #[test]
    fn a_tool_outside_the_list_fails_the_run() {
        let json = json!({"type": "tool_allow_list", "tools": ["search", "refund"]});
        let of = |tools: &[&str], more| judge_with(&json, &[], Some(&used(tools, more)));
        assert_eq!(of(&["search"], false).outcome, Outcome::Passed);
        assert_eq!(of(&[], false).outcome, Outcome::Passed);
        let failed = of(&["delete", "pay", "search"], true);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert_eq!(failed.explanation, "the tool `delete` and 1 more are not in the list");
        assert_eq!(of(&["search"], true).outcome, Outcome::NotApplicable);
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn a_call_of_a_tool_is_judged_by_itself() {
        let json = json!({"type": "tool_allow_list", "tools": ["search"]});
        let check = check(TrialKind::Tool, &json).unwrap();
        let of = |name: &'static str| {
            let event = event(TrialKind::Tool, &[(column::tool::NAME.id(), name.into())]);
            check.judge(&Trial { event: &event, kind: TrialKind::Tool, run: None }).outcome
        };
        assert_eq!((of("search"), of("pay")), (Outcome::Passed, Outcome::Failed));
    }
}
