//! What is published about the schema, and the constants of the code, are what the documents say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use event::{Reason, schema};

use crate::{json_schema, reference, vocabulary};

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events")
}

fn blessed() -> bool {
    std::env::var_os("DRIFTSEAL_BLESS").is_some()
}

/// The file must have this text; `make bless` writes it.
fn golden(path: &Path, current: &str) {
    if blessed() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, current).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == current, "{} is old; `make bless` rewrites it", path.display());
}

#[test]
fn golden_published_schema_is_the_composed_one() {
    let composed: serde_json::Value = serde_json::from_str(schema().avro_json()).unwrap();
    let text = serde_json::to_string_pretty(&composed).unwrap() + "\n";
    golden(&documents().join("event.avsc"), &text);
}

/// Without the prose, which no reader of data needs.
fn without_prose(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(object) => {
            object.remove("doc");
            object.values_mut().for_each(without_prose);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_prose),
        _ => {}
    }
}

#[test]
fn golden_what_this_build_writes_is_published_and_nothing_published_is_forgotten() {
    let mut composed: serde_json::Value = serde_json::from_str(schema().avro_json()).unwrap();
    without_prose(&mut composed);
    let directory = documents().join("published");
    let name = event::decode::bundled_schema_id().strip_prefix("avro:").unwrap();
    golden(&directory.join(format!("{name}.avsc")), &format!("{composed}\n"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs");
    let source = std::fs::read_to_string(source).unwrap();
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let line = format!("/events/published/{name}\")");
        assert!(source.contains(&line), "{name} needs a line in `PUBLISHED`");
    }
}

/// The fields of a schema by their paths, each with its type.
fn fields_of(record: &serde_json::Value, prefix: &str, into: &mut BTreeMap<String, String>) {
    for field in record["fields"].as_array().unwrap() {
        let path = format!("{prefix}{}", field["name"].as_str().unwrap());
        // Of a group, which may be null, the record is the second.
        let group = field["type"].get(1).filter(|inner| inner.get("fields").is_some());
        match group {
            Some(group) => fields_of(group, &format!("{path}."), into),
            None => {
                let said = [&field["type"], &field["erasable"]].map(ToString::to_string);
                into.insert(path, said.join(" erasable: "));
            }
        }
    }
}

/// A column keeps its path, its type, whether it may be null and whether it can be erased: nothing that was
/// published can be blessed away.
#[test]
fn every_field_that_was_published_is_as_it_was() {
    let current = schema().avro_json();
    let mut now = BTreeMap::new();
    fields_of(&serde_json::from_str(current).unwrap(), "", &mut now);
    assert!(now.len() > 150, "{}", now.len());
    let mut seen = 0;
    for entry in std::fs::read_dir(documents().join("published")).unwrap() {
        let path = entry.unwrap().path();
        let published = std::fs::read_to_string(&path).unwrap();
        let mut then = BTreeMap::new();
        fields_of(&serde_json::from_str(&published).unwrap(), "", &mut then);
        for (field, said) in then {
            assert_eq!(now.get(&field), Some(&said), "{field} in {}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}

/// A changed fingerprint means that every producer must learn a new schema: within a major only
/// nullable fields may be added, and the old schema must stay registered.
#[test]
fn golden_fingerprint_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprint.txt");
    golden(&path, &format!("{}\n", event::decode::bundled_schema_id()));
}

#[test]
fn golden_reference_lists_every_kind_and_field() {
    golden(&documents().join("reference.md"), &reference::page());
}

#[test]
fn golden_json_schema_describes_every_field() {
    golden(&documents().join("event.schema.json"), &json_schema::text());
}

#[test]
fn golden_constants_are_those_of_the_documents() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = vocabulary::files();
    for (path, text) in &files {
        golden(&source.join(path), text);
    }
    // Nothing stays behind of a family that is gone.
    for entry in std::fs::read_dir(source.join("column/names")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(&source).unwrap().to_str().unwrap();
        let known = files.iter().any(|(known, _)| known == name);
        if !known && blessed() {
            std::fs::remove_file(&path).unwrap();
        } else {
            assert!(known, "{name} belongs to no family; `make bless` removes it");
        }
    }
}

#[test]
fn the_readme_explains_every_reason() {
    let text = std::fs::read_to_string(documents().join("README.md")).unwrap();
    for reason in Reason::ALL {
        assert!(text.contains(&format!("`{}`", reason.name())), "{reason:?} is not explained");
    }
}
