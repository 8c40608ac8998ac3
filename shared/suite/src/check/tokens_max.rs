//! `tokens_max`: an upper limit of the tokens.

use super::evaluator::{Definition, Evaluator, Finding, at_most};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "tokens_max",
    doc: "Input and output tokens together are at most the limit; one of the two may be unknown.",
    keys: &[Key {
        name: "tokens",
        required: true,
        form: Form::Count { min: 0, max: 1_000_000_000_000 },
        doc: "Limit.",
    }],
    any_of: &[],
    kinds: &[TrialKind::Run, TrialKind::Model],
    parse,
};

#[derive(Debug)]
struct Tokens {
    inputs: [Input; 2],
    limit: f64,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let inputs = kind.tokens()?.map(Input::of);
    Some(Box::new(Tokens { inputs, limit: fields.number("tokens")? }))
}

impl Evaluator for Tokens {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let counts = self.inputs.iter().filter_map(|input| input.number(trial.event));
        let total = counts.reduce(|one, two| one + two);
        let missing: Vec<String> = self.inputs.iter().map(Input::missing).collect();
        at_most(total, self.limit, "tokens", missing.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn tokens_in_and_out_are_added() {
        let json = json!({"type": "tokens_max", "tokens": 100});
        let of = |input: i64, output: i64| {
            judge(
                &json,
                &[
                    (column::run::INPUT_TOKENS.id(), input.into()),
                    (column::run::OUTPUT_TOKENS.id(), output.into()),
                ],
            )
        };
        assert_eq!(of(60, 40).outcome, Outcome::Passed);
        assert_eq!(of(60, 41).explanation, "101 tokens, at most 100");
        let only_out = judge(&json, &[(column::run::OUTPUT_TOKENS.id(), 101_i64.into())]);
        assert_eq!(only_out.outcome, Outcome::Failed);
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }
}
