//! What is published about suites is what the code has.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use suite::Suite;

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/suites")
}

fn blessed() -> bool {
    std::env::var_os("DRIFTSEAL_BLESS").is_some()
}

#[test]
fn the_published_schema_is_that_of_the_parser() {
    let path = published().join("suite.schema.json");
    let current = serde_json::to_string_pretty(&suite::document_schema()).unwrap() + "\n";
    if blessed() {
        std::fs::write(&path, &current).unwrap();
    }
    let old = "schemas/suites/suite.schema.json is old; `make bless` rewrites it";
    assert!(std::fs::read_to_string(&path).unwrap() == current, "{old}");
}

#[test]
fn the_readme_lists_every_key() {
    const MARK: &str = "<!-- generated from the code; `make bless` rewrites it -->\n";
    let path = published().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, listed) = text.split_once(MARK).unwrap();
    let current = format!("\n{}", tables());
    if blessed() && listed != current {
        std::fs::write(&path, format!("{head}{MARK}{current}")).unwrap();
    } else {
        assert!(listed == current, "schemas/suites/README.md is old; `make bless` rewrites it");
    }
}

#[test]
fn the_example_is_a_suite() {
    let text = std::fs::read_to_string(published().join("support-quality.yaml")).unwrap();
    let suite = Suite::parse(&text).unwrap();
    assert_eq!(suite.name(), "support-quality");
    assert_eq!(suite.checks().count(), 8);
}

fn tables() -> String {
    let schema = suite::document_schema();
    let mut text = String::from("### The document\n\n");
    table(&mut text, &schema);
    for section in ["applies_to", "gate"] {
        writeln!(text, "\n### `{section}`\n").unwrap();
        table(&mut text, &schema["properties"][section]);
    }
    text.push_str("\n### Every check\n\n");
    let checks = schema["properties"]["checks"]["items"]["oneOf"].as_array().unwrap();
    let common = ["type", "name"];
    rows(&mut text, &checks[0], |name| common.contains(&name));
    for check in checks {
        let (title, doc) = (&check["title"], &check["description"]);
        writeln!(text, "\n### `{}`\n\n{}\n", title.as_str().unwrap(), doc.as_str().unwrap())
            .unwrap();
        rows(&mut text, check, |name| !common.contains(&name));
    }
    text
}

fn table(text: &mut String, object: &Value) {
    rows(text, object, |_| true);
}

fn rows(text: &mut String, object: &Value, wanted: impl Fn(&str) -> bool) {
    text.push_str("| key | value | | meaning |\n|---|---|---|---|\n");
    let required = object["required"].as_array().cloned().unwrap_or_default();
    let any = object["anyOf"].to_string();
    for (name, key) in object["properties"].as_object().unwrap() {
        if !wanted(name) {
            continue;
        }
        let needed = if required.contains(&name.as_str().into()) {
            "required"
        } else if any.contains(&format!("\"{name}\"")) {
            "one is required"
        } else {
            ""
        };
        let doc = key["description"].as_str().unwrap();
        writeln!(text, "| `{name}` | {} | {needed} | {doc} |", form(name, key)).unwrap();
    }
}

/// What a value looks like, in words.
fn form(name: &str, key: &Value) -> String {
    let number = |word: &str| key.get(word).map(Value::to_string);
    let range = |what: &str| match (number("minimum"), number("maximum")) {
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
        _ => what.to_owned(),
    };
    if key.get("const").is_some() {
        return "name of an evaluator".to_owned();
    }
    if let Some(words) = key["enum"].as_array() {
        let words: Vec<String> =
            words.iter().map(|word| format!("`{}`", word.as_str().unwrap())).collect();
        return words.join(", ");
    }
    match (key["$ref"].as_str(), key["type"].as_str()) {
        (Some("#/$defs/text_column"), _) => "text column".to_owned(),
        (Some(_), _) => "numeric column".to_owned(),
        (None, Some("boolean")) => "true or false".to_owned(),
        (None, Some("integer")) => range("whole number"),
        (None, Some("number")) => match (number("exclusiveMinimum"), number("exclusiveMaximum")) {
            (Some(min), Some(max)) => format!("number between {min} and {max}"),
            (Some(min), None) => {
                format!("number above {min}, at most {}", number("maximum").unwrap())
            }
            _ => range("number"),
        },
        (None, Some("array")) if name == "checks" => {
            format!("list of 1 to {} checks", key["maxItems"])
        }
        (None, Some("array")) => format!("list of 1 to {} texts", key["maxItems"]),
        (None, Some("object")) if key["properties"].is_object() => "see below".to_owned(),
        (None, Some("object")) => format!("1 to {} texts by name", key["maxProperties"]),
        (None, Some("string")) if key.get("pattern").is_some() => "name".to_owned(),
        (None, Some("string")) => format!("text, at most {} characters", key["maxLength"]),
        (None, _) => "JSON Schema".to_owned(),
    }
}
