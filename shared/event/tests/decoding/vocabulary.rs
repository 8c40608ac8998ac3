//! The constants of kinds and columns, as Rust.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use event::schema::Column;
use event::{CellType, schema};

const HEAD: &str = "// Generated from schemas/events by `make bless`; do not edit.\n\n";
const WIDTH: usize = 96;

/// Files below `src` and their texts.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut envelope: Vec<&Column> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in schema().columns() {
        match column.group.as_deref() {
            None => envelope.push(column),
            Some(group) => groups.entry(group).or_default().push(column),
        }
    }
    let mut files = vec![
        ("kind/names.rs".to_owned(), kinds()),
        ("column/names.rs".to_owned(), outer(&envelope, &groups)),
    ];
    let docs = docs_of_groups();
    for (group, columns) in groups {
        let text = format!("//! {}\n{HEAD}{}{}", docs[group], uses(&columns), constants(&columns));
        files.push((format!("column/names/{group}.rs"), text));
    }
    files
}

fn kinds() -> String {
    let mut text = format!("//! Names of kinds.\n{HEAD}");
    for kind in schema().kinds() {
        let constant = kind.name.to_uppercase().replace('.', "_");
        writeln!(text, "/// {}\npub const {constant}: &str = \"{}\";", kind.doc, kind.name)
            .unwrap();
    }
    text
}

fn outer(envelope: &[&Column], groups: &BTreeMap<&str, Vec<&Column>>) -> String {
    let mut text =
        format!("//! Columns of the envelope, and a module for each group of fields.\n{HEAD}");
    text.push_str(&uses(envelope));
    for group in groups.keys() {
        writeln!(text, "pub mod {group};").unwrap();
    }
    text.push_str(
        "\n/// Paths of all columns, in ascending byte order; a column's number is its place here.\n\
         pub(crate) const PATHS: &[&str] = &[\n",
    );
    let mut line = String::new();
    let mut group = None;
    for column in schema().columns() {
        let item = format!("\"{}\",", column.path);
        let next = column.group.as_deref();
        if !line.is_empty() && (next != group || line.len() + 1 + item.len() > WIDTH) {
            writeln!(text, "    {line}").unwrap();
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&item);
        group = next;
    }
    writeln!(text, "    {line}\n];\n").unwrap();
    text + &constants(envelope)
}

fn constants(columns: &[&Column]) -> String {
    let mut text = String::new();
    for column in columns {
        let Column { doc, name, path, cell_type, .. } = column;
        let name = name.to_uppercase();
        writeln!(
            text,
            "/// {doc}\npub const {name}: TypedColumn<{cell_type:?}> = column(\"{path}\");"
        )
        .unwrap();
    }
    text
}

fn uses(columns: &[&Column]) -> String {
    let mut names: Vec<String> =
        columns.iter().map(|column| format!("{:?}", column.cell_type)).collect();
    names.push("TypedColumn".to_owned());
    names.sort();
    names.dedup();
    format!("use crate::typed::{{{}, column}};\n\n", names.join(", "))
}

/// What a group means, from the composed schema.
fn docs_of_groups() -> BTreeMap<String, String> {
    let composed: serde_json::Value = serde_json::from_str(schema().avro_json()).unwrap();
    let fields = composed["fields"].as_array().unwrap().iter();
    let groups = fields.filter(|field| field.pointer("/type/1/fields").is_some());
    groups
        .map(|field| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&field["name"]), text(&field["type"][1]["doc"]))
        })
        .collect()
}

/// The constants have the types by which decoding reads.
#[test]
fn marks_have_the_names_of_cell_types() {
    assert_eq!(format!("{:?}", CellType::Texts), "Texts");
}
