//! `cost_max`: an upper limit of the cost.

use super::evaluator::{Definition, Evaluator, Finding, at_most};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "cost_max",
    doc: "The event's `cost_usd` is at most the limit.",
    keys: &[Key {
        name: "cost_usd",
        required: true,
        form: Form::Number { min: 0.0, max: 1e9 },
        doc: "Limit, US dollars.",
    }],
    any_of: &[],
    kinds: &[TrialKind::Run, TrialKind::Model],
    parse,
};

#[derive(Debug)]
struct Cost {
    input: Input,
    limit: f64,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let input = Input::of(kind.cost_usd()?);
    Some(Box::new(Cost { input, limit: fields.number("cost_usd")? }))
}

impl Evaluator for Cost {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        at_most(self.input.number(trial.event), self.limit, "USD", self.input.missing())
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
    fn the_limit_itself_passes_and_tools_have_no_cost() {
        let json = json!({"type": "cost_max", "cost_usd": 0.05});
        let of = |usd: f64| judge(&json, &[(column::run::COST_USD.id(), usd.into())]).outcome;
        assert_eq!((of(0.05), of(0.051)), (Outcome::Passed, Outcome::Failed));
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
        assert_eq!(
            check(TrialKind::Tool, &json).map(|_| ()).unwrap_err(),
            ["`checks[0].type`: `cost_max` cannot judge events of kind `tool.completed`"]
        );
    }
}
