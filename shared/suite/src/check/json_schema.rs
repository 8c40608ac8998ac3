//! `json_schema`: the text is JSON that conforms to a schema.

use serde_json::Value;

use super::evaluator::{Definition, Evaluator, Finding, TEXT_COLUMN, text_input};
use crate::json::{Mismatch, Schema};
use crate::key::{Fields, Form, Key, Reader};
use crate::trial::{Input, Trial, TrialKind};
use crate::yaml::member;

/// The evaluator.
pub(crate) const DEFINITION: Definition = Definition {
    name: "json_schema",
    doc: "The text is JSON and conforms to the schema.",
    keys: &[
        TEXT_COLUMN,
        Key {
            name: "schema",
            required: true,
            form: Form::Schema,
            doc: "JSON Schema 2020-12, a subset: unsupported keywords are refused (see README.md).",
        },
    ],
    any_of: &[],
    kinds: &TrialKind::ALL,
    parse,
};

/// Largest number of characters of a JSON pointer that an explanation shows.
const PLACE_CHARS_MAX: usize = 80;

#[derive(Debug)]
struct Conforms {
    input: Input,
    schema: Schema,
}

fn parse(
    fields: &Fields<'_>,
    kind: TrialKind,
    reader: &mut Reader<'_>,
) -> Option<Box<dyn Evaluator>> {
    match Schema::compile(fields.value("schema")?) {
        Ok(schema) => Some(Box::new(Conforms { input: text_input(fields, kind)?, schema })),
        Err((place, message)) => {
            let path = fields.path("schema");
            let path = if place.is_empty() { path } else { member(&path, &place) };
            reader.wrong(&path, message);
            None
        }
    }
}

impl Evaluator for Conforms {
    fn patterns(&self) -> usize {
        self.schema.patterns()
    }

    fn judge(&self, trial: &Trial<'_, '_>) -> Finding {
        let Some(text) = self.input.text(trial.event) else {
            return Finding::not_applicable(self.input.missing());
        };
        let path = self.input.path();
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return Finding::failed(format!("`{path}` is not JSON"));
        };
        match self.schema.check(&value) {
            Ok(()) => Finding::of(true, format!("`{path}` conforms to the schema")),
            Err(Mismatch::At(place, keyword)) => {
                let place: String = place.chars().take(PLACE_CHARS_MAX).collect();
                Finding::failed(format!("`{path}` breaks `{keyword}` at `{place}`"))
            }
            Err(Mismatch::Unknown) => {
                Finding::not_applicable("validating this value takes too many steps")
            }
        }
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
    fn output_is_json_that_conforms_or_not() {
        let json = json!({"type": "json_schema", "schema": {
            "type": "object",
            "required": ["refund"],
            "properties": {"refund": {"type": "number", "minimum": 0}},
            "additionalProperties": false,
        }});
        let of = |text: &'static str| judge(&json, &[(column::run::OUTPUT.id(), text.into())]);
        assert_eq!(of(r#"{"refund": 3.5}"#).outcome, Outcome::Passed);
        let says = |text| of(text).explanation;
        assert_eq!(says("{refund: 3}"), "`run.output` is not JSON");
        assert_eq!(says("{}"), "`run.output` breaks `required` at ``");
        assert_eq!(says(r#"{"refund": -1}"#), "`run.output` breaks `range` at `/refund`");
        assert_eq!(
            says(r#"{"refund": 1, "x": 2}"#),
            "`run.output` breaks `additionalProperties` at ``"
        );
        assert_eq!(judge(&json, &[]).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn what_a_schema_does_not_check_is_refused_with_its_place() {
        let of = |schema: Value| {
            let json = json!({"type": "json_schema", "schema": schema});
            check(TrialKind::Run, &json).map(|_| ()).unwrap_err()
        };
        assert_eq!(
            of(json!({"properties": {"a": {"minLenght": 1}}})),
            [
                "`checks[0].schema.properties.a.minLenght`: keyword is not supported; did you mean `minLength`?"
            ]
        );
        assert_eq!(
            of(json!({"$ref": "#/$defs/x"})),
            ["`checks[0].schema.$ref`: no definition `x`"]
        );
        assert!(of(json!({"format": "email"}))[0].contains("use `pattern`"));
    }

    #[test]
    fn an_expensive_schema_ends() {
        let json = json!({"type": "json_schema", "schema": {
            "$ref": "#/$defs/a",
            "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}},
        }});
        let verdict = judge(&json, &[(column::run::OUTPUT.id(), "1".into())]);
        assert_eq!(verdict.outcome, Outcome::NotApplicable);
    }
}
