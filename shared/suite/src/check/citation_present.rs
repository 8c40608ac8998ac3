//! `citation_present`: the text cites sources.

use ::regex::Regex;

use super::evaluator::{Definition, Evaluator, Finding, TEXT_COLUMN, text_input};
use crate::key::{Fields, Form, Key, Reader, pattern};
use crate::trial::{Input, Trial, TrialKind};

/// What counts as a citation: a Markdown link, a URL, a number or footnote in brackets, or text in
/// lenticular brackets.
const CITATION: &str = r"\[[^\]\n]+\]\([^)\s]+\)|https?://[^\s<>]+|\[\^?[0-9]{1,3}\]|【[^】\n]+】";

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "citation_present",
    doc: "The text has at least `count_min` citations: Markdown links, URLs, [1], [^1] or 【…】, or matches of the pattern.",
    keys: &[
        TEXT_COLUMN,
        Key {
            name: "pattern",
            required: false,
            form: Form::Pattern,
            doc: "What counts as a citation, instead of the forms above.",
        },
        Key {
            name: "count_min",
            required: false,
            form: Form::Count { min: 1, max: 1_000 },
            doc: "Required number of citations; 1 if absent.",
        },
    ],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

#[derive(Debug)]
struct Cites {
    input: Input,
    pattern: Regex,
    count_min: usize,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let pattern = pattern(fields.text("pattern").unwrap_or(CITATION)).ok()?;
    let count_min = usize::try_from(fields.count("count_min").unwrap_or(1)).ok()?;
    Some(Box::new(Cites { input: text_input(fields, kind)?, pattern, count_min }))
}

impl Evaluator for Cites {
    fn patterns(&self) -> usize {
        1
    }

    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(text) = self.input.text(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let found = self.pattern.find_iter(text).take(self.count_min).count();
        if found >= self.count_min {
            return Finding::of(true, format!("at least {found} citations"));
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
        let score = found as f64 / self.count_min as f64;
        let explanation = format!("{found} citations, at least {}", self.count_min);
        Finding::Failed { score, explanation }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn the_usual_forms_count() {
        let json = json!({"type": "citation_present"});
        let of =
            |text: &'static str| judge(&json, &[(column::run::OUTPUT.id(), text.into())]).outcome;
        for cited in [
            "see [the manual](https://x.example/m#2)",
            "https://x.example",
            "so it is [1].",
            "so it is[^2]",
            "so it is 【4:0†policy.pdf】",
        ] {
            assert_eq!(of(cited), Outcome::Passed, "{cited}");
        }
        for plain in ["", "trust me", "an array x[i] or [note]", "(http)"] {
            assert_eq!(of(plain), Outcome::Failed, "{plain}");
        }
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn several_may_be_asked_for_in_any_form() {
        let json = json!({"type": "citation_present", "pattern": r"DOC-\d+", "count_min": 2});
        let of = |text: &'static str| judge(&json, &[(column::run::OUTPUT.id(), text.into())]);
        assert_eq!(of("DOC-1 and DOC-2 and DOC-3").outcome, Outcome::Passed);
        let one = of("DOC-1");
        assert_eq!((one.outcome, one.score), (Outcome::Failed, Some(0.5)));
    }
}
