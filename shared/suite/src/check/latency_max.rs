//! `latency_max`: an upper limit of the duration.

use super::evaluator::{Definition, Evaluator, Finding, at_most};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "latency_max",
    doc: "The event's `duration_ms` is at most the limit.",
    keys: &[Key {
        name: "duration_ms",
        required: true,
        form: Form::Number { min: 0.0, max: 1e12 },
        doc: "Limit, milliseconds.",
    }],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

#[derive(Debug)]
struct Latency {
    input: Input,
    limit: f64,
}

fn parse(fields: &Fields<'_>, kind: TrialKind, _: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let input = Input::of(kind.duration_ms());
    Some(Box::new(Latency { input, limit: fields.number("duration_ms")? }))
}

impl Evaluator for Latency {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        at_most(self.input.number(trial.event), self.limit, "ms", self.input.missing())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use crate::verdict::Outcome;
    use event::column;
    use serde_json::json;

    #[test]
    fn the_limit_itself_passes() {
        let json = json!({"type": "latency_max", "duration_ms": 800});
        let of = |ms: f64| judge(&json, &[(column::run::DURATION_MS.id(), ms.into())]);
        assert_eq!(of(800.0).outcome, Outcome::Passed);
        assert_eq!(of(800.5).explanation, "800.5 ms, at most 800");
        assert_eq!(of(800.5).outcome, Outcome::Failed);
        let nothing = judge(&json, &[]);
        assert_eq!(nothing.outcome, Outcome::NotApplicable);
        assert_eq!(nothing.explanation, "`run.duration_ms` has no value");
    }
}
