//! `numeric_bounds`: a number is within bounds.

use super::evaluator::{Definition, Evaluator, Finding};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};

const ANY: Form = Form::Number { min: f64::MIN, max: f64::MAX };

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "numeric_bounds",
    doc: "The number is at least `min` and at most `max`.",
    keys: &[
        Key {
            name: "column",
            required: true,
            form: Form::NumberColumn,
            doc: "The column with the number; an attribute is parsed as a number.",
        },
        Key { name: "min", required: false, form: ANY, doc: "Smallest value that passes." },
        Key { name: "max", required: false, form: ANY, doc: "Largest value that passes." },
    ],
    any_of: &["min", "max"],
    kinds: &TrialKind::ALL,
    parse,
};

#[derive(Debug)]
struct Between {
    input: Input,
    min: f64,
    max: f64,
}

fn parse(fields: &Fields<'_>, _: TrialKind, reader: &mut Reader<'_>) -> Option<Box<dyn Evaluator>> {
    let min = fields.number("min").unwrap_or(f64::NEG_INFINITY);
    let max = fields.number("max").unwrap_or(f64::INFINITY);
    if min > max {
        reader.wrong(&fields.path("max"), "is below `min`: nothing can pass");
    }
    Some(Box::new(Between { input: Input::parse(fields.text("column")?)?, min, max }))
}

impl Evaluator for Between {
    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(value) = self.input.number(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let bounds = match (self.min.is_finite(), self.max.is_finite()) {
            (true, true) => format!("must be from {} to {}", self.min, self.max),
            (true, false) => format!("must be at least {}", self.min),
            (false, _) => format!("must be at most {}", self.max),
        };
        let passed = (self.min..=self.max).contains(&value);
        Finding::of(passed, format!("`{}` is {value}, {bounds}", self.input.path()))
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
    fn both_ends_pass() {
        let json = json!({"type": "numeric_bounds", "column": "run.steps", "min": 1, "max": 3});
        let of = |steps: i64| judge(&json, &[(column::run::STEPS.id(), steps.into())]);
        assert_eq!(
            [0, 1, 3, 4].map(|steps| of(steps).outcome == Outcome::Passed),
            [false, true, true, false]
        );
        assert_eq!(of(4).explanation, "`run.steps` is 4, must be from 1 to 3");
        let open = json!({"type": "numeric_bounds", "column": "attributes.confidence", "min": 0.5});
        let with = |text: &str| {
            let pairs = [("confidence".to_owned(), text.to_owned())];
            judge(
                &open,
                &[(column::ATTRIBUTES.id(), std::collections::BTreeMap::from(pairs).into())],
            )
            .outcome
        };
        assert_eq!(with("0.75"), Outcome::Passed);
        assert_eq!(with("low"), Outcome::NotApplicable);
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        let of = |json| check(TrialKind::Run, &json).map(|_| ()).unwrap_err();
        assert_eq!(
            of(json!({"type": "numeric_bounds", "column": "run.output"})),
            [
                "`checks[0].column`: the column `run.output` does not contain a number",
                "`checks[0]`: `min` or `max` is missing",
            ]
        );
        let crossed = json!({"type": "numeric_bounds", "column": "run.steps", "min": 2, "max": 1});
        assert_eq!(of(crossed), ["`checks[0].max`: is below `min`: nothing can pass"]);
    }
}
