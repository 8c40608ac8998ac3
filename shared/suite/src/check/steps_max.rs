//! `steps_max`: an upper limit of the steps of a run.

use super::evaluator::{Definition, Evaluator, Finding, at_most};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Trial, TrialKind};
use event::column;

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "steps_max",
    doc: "The run took at most `steps` steps: `run.steps` if the run reports it, else the model calls recorded before the run ended, else the tool calls.",
    keys: &[Key {
        name: "steps",
        required: true,
        form: Form::Count { min: 0, max: 1_000_000_000 },
        doc: "Limit.",
    }],
    any_of: &[],
    kinds: &[TrialKind::Run],
    parse,
};

#[derive(Debug)]
struct Steps {
    limit: f64,
}

fn parse(fields: &Fields<'_>, _: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    Some(Box::new(Steps { limit: fields.number("steps")? }))
}

impl Evaluator for Steps {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        #[expect(clippy::cast_precision_loss, reason = "a run has fewer than 2^53 steps")]
        let seen = || trial.run.map(|run| run.steps() as f64);
        let steps = trial.event.number(column::run::STEPS).or_else(seen);
        let missing = "the run does not report its steps, and none was recorded before it ended";
        at_most(steps, self.limit, "steps", missing.to_owned())
    }

    fn needs_run(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{judge, judge_with};
    use crate::runs::RunFacts;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn what_the_run_says_counts_before_what_was_seen() {
        let json = json!({"type": "steps_max", "steps": 0});
        let seen = RunFacts::default();
        assert_eq!(judge_with(&json, &[], Some(&seen)).outcome, Outcome::Passed);
        let says = judge_with(&json, &[(column::run::STEPS.id(), 1_i64.into())], Some(&seen));
        assert_eq!((says.outcome, &*says.explanation), (Outcome::Failed, "1 steps, at most 0"));
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }
}
