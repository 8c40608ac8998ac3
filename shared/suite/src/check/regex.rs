//! `regex`: a pattern matches the text.

use ::regex::Regex;

use super::evaluator::{Definition, Evaluator, Finding, TEXT_COLUMN, text_input};
use crate::key::{Fields, Form, Key, Reader, pattern};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "regex",
    doc: "The pattern matches somewhere in the text.",
    keys: &[TEXT_COLUMN, PATTERN],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

/// The key `pattern`.
pub(super) const PATTERN: Key = Key {
    name: "pattern",
    required: true,
    form: Form::Pattern,
    doc: "Regular expression in the syntax of the Rust crate regex: no look-around, no back-references; matches anywhere unless anchored.",
};

#[derive(Debug)]
struct Matches {
    input: Input,
    pattern: Regex,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let pattern = pattern(fields.text("pattern")?).ok()?;
    Some(Box::new(Matches { input: text_input(fields, kind)?, pattern }))
}

impl Evaluator for Matches {
    fn patterns(&self) -> usize {
        1
    }

    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(text) = self.input.text(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let found = self.pattern.is_match(text);
        let what = if found { "matches" } else { "does not match" };
        Finding::of(found, format!("the pattern {what} `{}`", self.input.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, judge};
    use super::*;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn a_pattern_is_found_or_not_and_nothing_is_not_judged() {
        let json = json!({"type": "regex", "pattern": r"(?i)^order \d{6}\b"});
        let output = |text: &'static str| judge(&json, &[(column::run::OUTPUT.id(), text.into())]);
        assert_eq!(output("Order 123456 was sent").outcome, Outcome::Passed);
        let failed = output("no order 123456");
        assert_eq!((failed.outcome, failed.score), (Outcome::Failed, Some(0.0)));
        assert_eq!(failed.explanation, "the pattern does not match `run.output`");
        let nothing = judge(&json, &[]);
        assert_eq!((nothing.outcome, nothing.score), (Outcome::NotApplicable, None));
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        let of = |pattern: &str| {
            let json = json!({"type": "regex", "pattern": pattern});
            check(TrialKind::Run, &json).map(|_| ()).unwrap_err()
        };
        assert_eq!(of("(a"), ["`checks[0].pattern`: not a pattern: unclosed group"]);
        assert!(of("(?=a)b")[0].contains("look-around"), "{:?}", of("(?=a)b"));
        let large = of(r"(\p{L}{200}){200}");
        assert!(large[0].contains("compiles to more than"), "{large:?}");
    }
}
