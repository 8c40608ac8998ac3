//! `forbidden`: a pattern does not match the text.

use ::regex::Regex;

use super::evaluator::{Definition, Evaluator, Finding, TEXT_COLUMN, text_input};
use super::regex::PATTERN;
use crate::key::{Fields, Reader, pattern};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "forbidden",
    doc: "The pattern matches nowhere in the text.",
    keys: &[TEXT_COLUMN, PATTERN],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

#[derive(Debug)]
struct Forbidden {
    input: Input,
    pattern: Regex,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let pattern = pattern(fields.text("pattern")?).ok()?;
    Some(Box::new(Forbidden { input: text_input(fields, kind)?, pattern }))
}

impl Evaluator for Forbidden {
    fn patterns(&self) -> usize {
        1
    }

    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(text) = self.input.text(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let path = self.input.path();
        match self.pattern.find(text) {
            Some(found) => Finding::failed(format!(
                "the forbidden pattern matches `{path}` at byte {}",
                found.start()
            )),
            None => Finding::of(true, format!("the forbidden pattern does not match `{path}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn what_is_forbidden_fails_without_being_repeated() {
        let json =
            json!({"type": "forbidden", "pattern": r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b"});
        let failed = judge(&json, &[(column::run::OUTPUT.id(), "card 4111 1111 1111 1111".into())]);
        assert_eq!(failed.outcome, Outcome::Failed);
        assert_eq!(failed.explanation, "the forbidden pattern matches `run.output` at byte 5");
        assert_eq!(
            judge(&json, &[(column::run::OUTPUT.id(), "no card".into())]).outcome,
            Outcome::Passed
        );
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }
}
