//! `contains`: the text contains given strings.

use super::evaluator::{Definition, Evaluator, Finding, TEXT_COLUMN, text_input};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "contains",
    doc: "The text contains the given strings: all of them, or at least one.",
    keys: &[
        TEXT_COLUMN,
        Key {
            name: "texts",
            required: true,
            form: Form::Texts { chars_max: 1_024, items_max: 64 },
            doc: "The strings.",
        },
        Key {
            name: "match",
            required: false,
            form: Form::Choice(&["all", "any"]),
            doc: "Whether all of them must occur (the default), or any.",
        },
        Key {
            name: "ignore_case",
            required: false,
            form: Form::Flag,
            doc: "Whether case is ignored (both sides in Unicode lower case); false if absent.",
        },
    ],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

#[derive(Debug)]
struct Contains {
    input: Input,
    texts: Vec<String>,
    any: bool,
    ignore_case: bool,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let ignore_case = fields.flag("ignore_case").unwrap_or(false);
    let mut texts = fields.texts("texts")?;
    if ignore_case {
        texts = texts.iter().map(|text| text.to_lowercase()).collect();
    }
    let any = fields.text("match") == Some("any");
    Some(Box::new(Contains { input: text_input(fields, kind)?, texts, any, ignore_case }))
}

impl Evaluator for Contains {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(text) = self.input.text(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let found = if self.ignore_case {
            let text = text.to_lowercase();
            self.found(&text)
        } else {
            self.found(text)
        };
        let wanted = if self.any { 1 } else { self.texts.len() };
        let explanation = format!(
            "{found} of {} texts occur in `{}`, at least {wanted} must",
            self.texts.len(),
            self.input.path()
        );
        if found >= wanted {
            return Finding::Passed { explanation };
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 64 texts")]
        let score = found as f64 / wanted as f64;
        Finding::Failed { score, explanation }
    }
}

impl Contains {
    fn found(&self, text: &str) -> usize {
        self.texts.iter().filter(|wanted| text.contains(wanted.as_str())).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, judge};
    use crate::trial::TrialKind;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn all_or_any_with_or_without_case() {
        let output = [(column::run::OUTPUT.id(), "Your REFUND is on its way".into())];
        let all =
            json!({"type": "contains", "texts": ["refund", "way", "never"], "ignore_case": true});
        let verdict = judge(&all, &output);
        assert_eq!((verdict.outcome, verdict.score), (Outcome::Failed, Some(2.0 / 3.0)));
        let any = json!({"type": "contains", "texts": ["refund", "way"], "match": "any"});
        assert_eq!(judge(&any, &output).outcome, Outcome::Passed);
        let exact = json!({"type": "contains", "texts": ["refund"]});
        assert_eq!(judge(&exact, &output).outcome, Outcome::Failed);
        let umlaut = json!({"type": "contains", "texts": ["ÄRGER"], "ignore_case": true, "column": "attributes.x"});
        assert_eq!(judge(&umlaut, &output).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn words_that_are_unknown_are_named() {
        let json = json!({"type": "contains", "texts": ["a", "a"], "match": "al"});
        assert_eq!(
            check(TrialKind::Run, &json).map(|_| ()).unwrap_err(),
            [
                "`checks[0].match`: `al` is not known; did you mean `all`?",
                "`checks[0].texts[1]`: repeats",
            ]
        );
    }
}
