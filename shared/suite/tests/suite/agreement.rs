//! Other readers of the same: the published schema and the parser, our JSON Schema and another.

use event::kind;
use serde_json::Value;
use suite::Suite;

const GOOD: &str = include_str!("../../testdata/good.yaml");
const BAD: &str = include_str!("../../testdata/bad.yaml");
const VECTORS: &str = include_str!("../../testdata/json_schema.json");

/// Whether a text conforms to a schema, asked through the evaluator.
fn conforms(schema: &Value, value: &Value) -> bool {
    let document = serde_json::json!({
        "suite": "s",
        "checks": [{"type": "json_schema", "schema": schema}],
    });
    let mut suites = super::suites(&[&document.to_string()]);
    let run = super::event(&serde_json::json!({
        "kind": kind::RUN_COMPLETED, "agent_id": "a", "run": {"output": value.to_string()},
    }));
    suites.observe(&run)[0].passed.unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

#[test]
fn another_implementation_of_json_schema_judges_the_same() {
    let vectors = vectors();
    let mut judged = [0, 0];
    for case in vectors["cases"].as_array().unwrap() {
        let values = case["values"].as_array().unwrap();
        for (value, valid) in values.iter().zip(case["valid"].as_array().unwrap()) {
            let valid = valid.as_bool().unwrap();
            assert_eq!(conforms(&case["schema"], value), valid, "{} of {value}", case["schema"]);
            judged[usize::from(valid)] += 1;
        }
    }
    assert!(judged[0] > 500 && judged[1] > 500, "{judged:?} are too few to tell");
}

/// The parser and the published schema agree; what the other implementation says of the same
/// documents is recorded with the vectors.
#[test]
fn the_published_schema_accepts_what_the_parser_accepts() {
    let schema = suite::document_schema();
    for (name, text, accepted) in [("good", GOOD, true), ("bad", BAD, false)] {
        let documents: Vec<&str> = text.split("---\n").collect();
        let recorded = vectors()["documents"][name].as_array().unwrap().clone();
        assert_eq!(documents.len(), recorded.len(), "testdata/generate.py must run again");
        for (document, recorded) in documents.into_iter().zip(recorded) {
            let parsed = Suite::parse(document);
            assert_eq!(parsed.is_ok(), accepted, "{document}{parsed:?}");
            assert_eq!(recorded, accepted, "{document}");
            if let Ok(suite) = parsed {
                let value = serde_json::from_str(suite.canonical()).unwrap();
                assert!(by_schema(&schema, &value), "{document}");
                assert!(Suite::from_canonical(suite.canonical()).is_ok());
            }
        }
    }
}

/// The published schema is itself within the subset that we check, but larger than a document may
/// be: its lists of columns are left out here.
fn by_schema(schema: &Value, document: &Value) -> bool {
    let mut schema = schema.clone();
    schema["$defs"] = serde_json::json!({
        "text_column": {"type": "string"},
        "number_column": {"type": "string"},
    });
    conforms(&schema, document)
}

#[test]
fn only_the_parser_finds_what_a_schema_cannot_say() {
    for text in [
        "suite: s\nchecks: [{type: citation_present}, {type: citation_present}]\n",
        "suite: s\nchecks: [{type: regex, pattern: '('}]\n",
        "suite: s\nchecks: [{type: json_schema, schema: {type: text}}]\n",
        "suite: s\nchecks: [{type: numeric_bounds, column: run.steps, min: 2, max: 1}]\n",
        "suite: s\napplies_to: {kind: model.invoked}\nchecks: [{type: steps_max, steps: 1}]\n",
    ] {
        assert!(Suite::parse(text).is_err(), "{text}");
    }
}
