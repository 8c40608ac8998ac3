//! JSON Schema (2020-12) of an event, for producers and their editors.
//!
//! It describes what is meant. Decoding accepts more: what has no field goes to `attributes`, and
//! a value outside a field's set or range is kept.

use event::schema::Column;
use event::{CellType, schema};
use serde_json::{Map, Value, json};

pub(crate) fn text() -> String {
    let mut properties = Map::new();
    for column in schema().columns() {
        let (into, name) = match &column.group {
            None => (&mut properties, &column.name),
            Some(group) => {
                let group = properties
                    .entry(group)
                    .or_insert_with(|| json!({"type": ["object", "null"], "properties": {}}));
                (group["properties"].as_object_mut().unwrap(), &column.name)
            }
        };
        into.insert(name.clone(), property(column));
    }
    let kinds: Vec<&str> = schema().kinds().map(|kind| kind.name.as_str()).collect();
    properties["kind"]["examples"] = json!(kinds);
    let about_agents: Vec<&str> = schema()
        .kinds()
        .filter(|kind| kind.must_name_agent())
        .map(|kind| kind.name.as_str())
        .collect();
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:driftseal:event:v1",
        "title": "Driftseal event",
        "description": "One thing an agent did, or that was done about it. Unknown fields are kept as attributes.",
        "type": "object",
        "required": ["kind"],
        "properties": properties,
        "if": {"properties": {"kind": {"enum": about_agents}}},
        "then": {"required": ["agent_id"], "properties": {"agent_id": {"type": "string", "minLength": 1}}},
    });
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn property(column: &Column) -> Value {
    let base = match column.cell_type {
        CellType::Bool => json!({"type": ["boolean", "null"]}),
        CellType::Int => json!({"type": ["integer", "null"]}),
        CellType::Float => json!({"type": ["number", "null"]}),
        CellType::Text => json!({"type": ["string", "null"]}),
        CellType::Bytes => json!({"type": ["string", "null"], "contentEncoding": "base64"}),
        CellType::Time => json!({"anyOf": [
            {"type": "string", "format": "date-time"},
            {"type": "integer", "description": "Microseconds since 1970."},
            {"type": "null"},
        ]}),
        CellType::Texts => json!({"type": ["array", "null"], "items": {"type": "string"}}),
        CellType::Map => json!({"type": ["object", "null"]}),
    };
    let Value::Object(mut property) = base else { unreachable!("each is an object") };
    property.insert("description".into(), column.doc.clone().into());
    if column.path == "kind" {
        property.insert("type".into(), json!("string"));
        property.insert("minLength".into(), json!(1));
    }
    if !column.values.is_empty() {
        let all = column.values.iter().flat_map(|value| value.aliases.iter().chain([&value.name]));
        let mut texts: Vec<Value> = all.map(|text| json!(text)).collect();
        texts.push(Value::Null);
        property.insert("enum".into(), Value::Array(texts));
    }
    if let Some(range) = column.range {
        for (key, bound) in [("minimum", range.min), ("maximum", range.max)] {
            if let Some(bound) = bound {
                property.insert(key.into(), json!(bound));
            }
        }
    }
    if let Some(unit) = column.unit.as_deref().filter(|unit| *unit != "1") {
        property.insert("x-unit".into(), json!(unit));
    }
    Value::Object(property)
}
