//! The JSON Schema (2020-12) of the suite document, generated from the declarations that the parser
//! uses.
//!
//! Some problems cannot be expressed in a schema, and are found only by the parser: duplicate names
//! of checks, patterns and schemas that do not compile, a minimum above its maximum, a check that
//! cannot judge the kind.

use serde_json::{Map, Value, json};

use crate::check;
use crate::document::DOCUMENT;
use crate::key::{ATTRIBUTE, Form, Key, NAME_CHARS_MAX, NUMBER, PATTERN_CHARS_MAX, TEXT, columns};

/// The schema of the document; published as `schemas/suites/suite.schema.json`.
#[must_use]
pub fn document_schema() -> Value {
    let mut schema = object(DOCUMENT);
    let head = [
        ("$schema", "https://json-schema.org/draft/2020-12/schema"),
        ("title", "Driftseal eval suite"),
        ("description", "Checks on agent events, and the pass rate that a version must reach."),
    ];
    if let Some(members) = schema.as_object_mut() {
        for (name, value) in head {
            members.insert(name.into(), value.into());
        }
        let definitions = json!({
            "text_column": column(&TEXT),
            "number_column": column(&NUMBER),
        });
        members.insert("$defs".into(), definitions);
    }
    schema
}

fn object(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut form = of_form(key.form);
        if let Some(members) = form.as_object_mut() {
            members.insert("description".into(), key.doc.into());
        }
        properties.insert(key.name.into(), form);
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if let Some(members) = schema.as_object_mut()
        && !required.is_empty()
    {
        members.insert("required".into(), required.into());
    }
    schema
}

fn of_form(form: Form) -> Value {
    match form {
        Form::Flag => json!({"type": "boolean"}),
        Form::Name => json!({
            "type": "string",
            "pattern": "^[a-z0-9][a-z0-9._-]*$",
            "maxLength": NAME_CHARS_MAX,
        }),
        Form::Text { chars_max } => {
            json!({"type": "string", "minLength": 1, "maxLength": chars_max})
        }
        Form::Pattern => {
            json!({"type": "string", "minLength": 1, "maxLength": PATTERN_CHARS_MAX})
        }
        Form::Number { min, max } => {
            let mut schema = json!({"type": "number"});
            if let Some(members) = schema.as_object_mut()
                && max < f64::MAX
            {
                members.insert("minimum".into(), min.into());
                members.insert("maximum".into(), max.into());
            }
            schema
        }
        Form::Share => json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        Form::Level => json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        Form::Count { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Form::Texts { chars_max, items_max } => json!({
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": chars_max},
            "minItems": 1,
            "maxItems": items_max,
            "uniqueItems": true,
        }),
        Form::Choice(words) => json!({"enum": words}),
        Form::TextColumn => json!({"$ref": "#/$defs/text_column"}),
        Form::NumberColumn => json!({"$ref": "#/$defs/number_column"}),
        Form::Labels { items_max } => json!({
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 256},
            "minProperties": 1,
            "maxProperties": items_max,
        }),
        Form::Schema => json!({"type": ["object", "boolean"]}),
        Form::Section(keys) => object(keys),
        Form::Checks => json!({
            "type": "array",
            "minItems": 1,
            "maxItems": check::CHECKS_MAX,
            "items": {"oneOf": check::ALL.iter().map(|one| evaluator(one)).collect::<Vec<_>>()},
        }),
    }
}

fn evaluator(definition: &check::Definition) -> Value {
    let keys = check::COMMON.iter().chain(definition.keys);
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for key in keys {
        let mut form =
            if key.name == "type" { json!({"const": definition.name}) } else { of_form(key.form) };
        if let Some(members) = form.as_object_mut() {
            members.insert("description".into(), key.doc.into());
        }
        properties.insert(key.name.into(), form);
        if key.required {
            required.push(key.name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "title": definition.name,
        "description": definition.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let Some(members) = schema.as_object_mut()
        && !definition.any_of.is_empty()
    {
        let any: Vec<Value> =
            definition.any_of.iter().map(|key| json!({"required": [key]})).collect();
        members.insert("anyOf".into(), any.into());
    }
    schema
}

fn column(types: &[event::CellType]) -> Value {
    json!({
        "type": "string",
        "anyOf": [
            {"enum": columns(types).collect::<Vec<_>>()},
            {"pattern": format!("^{}.", ATTRIBUTE.replace('.', "\\."))},
        ],
    })
}
