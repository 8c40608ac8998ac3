//! What is published about the schema is what the code has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use event::{CellType, Reason, schema};

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events")
}

fn blessed() -> bool {
    std::env::var_os("DRIFTSEAL_BLESS").is_some()
}

#[test]
fn the_published_schema_is_the_composed_one() {
    let path = documents().join("event.avsc");
    let composed: serde_json::Value = serde_json::from_str(schema().avro_json()).unwrap();
    if blessed() {
        let text = serde_json::to_string_pretty(&composed).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let published = std::fs::read(&path).unwrap();
    let published: serde_json::Value = serde_json::from_slice(&published).unwrap();
    assert!(published == composed, "schemas/events/event.avsc is old; `make bless` rewrites it");
}

/// A changed fingerprint means that every producer must learn a new schema: within a major only
/// nullable fields may be added, and the old schema must stay registered.
#[test]
fn the_fingerprint_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprint.txt");
    let current = format!("{}\n", event::decode::bundled_schema_id());
    if blessed() {
        std::fs::write(&path, &current).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), current);
}

#[test]
fn the_readme_lists_every_kind_and_field() {
    const MARK: &str = "<!-- generated from the schema; `make bless` rewrites it -->\n";
    let path = documents().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, listed) = text.split_once(MARK).unwrap();
    for reason in Reason::ALL {
        assert!(head.contains(&format!("`{}`", reason.name())), "{reason:?} is not explained");
    }
    let current = format!("\n{}", table());
    if blessed() && listed != current {
        std::fs::write(&path, format!("{head}{MARK}{current}")).unwrap();
    } else {
        assert!(listed == current, "schemas/events/README.md is old; `make bless` rewrites it");
    }
}

fn table() -> String {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, family) in schema().kinds() {
        kinds.entry(family).or_default().push(kind);
    }
    let mut text = String::from("| family | kinds |\n|---|---|\n");
    for (family, kinds) in kinds {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        writeln!(text, "| {family} | {} |", kinds.join(", ")).unwrap();
    }
    text.push_str("\n| field | type | | meaning |\n|---|---|---|---|\n");
    for column in schema().columns() {
        let cell_type = match column.cell_type {
            CellType::Bool => "boolean",
            CellType::Int => "integer",
            CellType::Float => "number",
            CellType::Text => "text",
            CellType::Bytes => "bytes",
            CellType::Time => "instant",
            CellType::Texts => "list of texts",
            CellType::Map => "map of texts",
        };
        let mark = match (column.required, column.erasable) {
            (true, _) => "in every event",
            (false, true) => "erasable",
            (false, false) => "",
        };
        writeln!(text, "| `{}` | {cell_type} | {mark} | {} |", column.path, column.doc).unwrap();
    }
    text
}
