//! The event schema: fields, columns and kinds, compiled once from `schemas/events/*.avsc`.
//!
//! A *column* is a field that holds a value: `run_id`, or `run.status` for a field of the group
//! `run`. Columns are numbered in ascending byte order of their paths; [`ColumnId`] is that
//! number. The composed Avro record has its fields in the same order, so that decoding an event
//! visits the columns in order.
//!
//! Evolution: within a major, only nullable fields are added. Every minor that was ever released
//! stays decodable through its fingerprint.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::cell::CellType;

/// The families: groups of fields, each with the kinds of event that fill it. To add one, write
/// the document and add its line.
pub const FAMILIES: &[(&str, &str)] = &[
    ("agent", include_str!("../../../schemas/events/agent.avsc")),
    ("approval", include_str!("../../../schemas/events/approval.avsc")),
    ("change", include_str!("../../../schemas/events/change.avsc")),
    ("drift", include_str!("../../../schemas/events/drift.avsc")),
    ("eval", include_str!("../../../schemas/events/eval.avsc")),
    ("maintenance", include_str!("../../../schemas/events/maintenance.avsc")),
    ("metric", include_str!("../../../schemas/events/metric.avsc")),
    ("model", include_str!("../../../schemas/events/model.avsc")),
    ("monitor", include_str!("../../../schemas/events/monitor.avsc")),
    ("notification", include_str!("../../../schemas/events/notification.avsc")),
    ("producer", include_str!("../../../schemas/events/producer.avsc")),
    ("quarantine", include_str!("../../../schemas/events/quarantine.avsc")),
    ("run", include_str!("../../../schemas/events/run.avsc")),
    ("tool", include_str!("../../../schemas/events/tool.avsc")),
];

const ENVELOPE: &str = include_str!("../../../schemas/events/envelope.avsc");

/// Minor version of the schema that this code writes.
pub const SCHEMA_VERSION: i64 = 1;

/// Number of a column in ascending byte order of the paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub(crate) u16);

impl ColumnId {
    /// Position of the column in [`EventSchema::columns`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A field that holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `field` or `group.field`.
    pub path: String,
    /// The group, for `group.field`.
    pub group: Option<String>,
    /// Name inside the group, or of the top-level field.
    pub name: String,
    /// Type of the values.
    pub cell_type: CellType,
    /// Whether the value may hold personal data or content: it is then sealed as a salted
    /// commitment, and can be erased.
    pub erasable: bool,
    /// Whether every event has a value.
    pub required: bool,
    /// What the field means.
    pub doc: String,
}

/// The compiled schema.
#[derive(Debug)]
pub struct EventSchema {
    columns: Vec<Column>,
    by_path: HashMap<String, ColumnId>,
    kinds: BTreeMap<String, String>,
    avro_json: String,
}

impl EventSchema {
    /// All columns, in ascending byte order of their paths.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column with that number.
    ///
    /// # Panics
    ///
    /// Never for a [`ColumnId`] that this schema gave out; it is the only one there is.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> &Column {
        #[expect(clippy::indexing_slicing, reason = "only the one schema gives out numbers")]
        &self.columns[id.index()]
    }

    /// The number of the column with that path.
    #[must_use]
    pub fn id(&self, path: &str) -> Option<ColumnId> {
        self.by_path.get(path).copied()
    }

    /// The group that events of a kind fill; `None` for a kind this version does not know.
    #[must_use]
    pub fn family(&self, kind: &str) -> Option<&str> {
        self.kinds.get(kind).map(String::as_str)
    }

    /// Known kinds and the family of each, in ascending order.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kinds.iter().map(|(kind, family)| (kind.as_str(), family.as_str()))
    }

    /// The composed Avro schema, as JSON text.
    #[must_use]
    pub fn avro_json(&self) -> &str {
        &self.avro_json
    }
}

/// The event schema of this version.
///
/// # Panics
///
/// If a document under `schemas/events/` is malformed, which a unit test excludes.
#[must_use]
pub fn schema() -> &'static EventSchema {
    static SCHEMA: LazyLock<EventSchema> = LazyLock::new(|| {
        #[expect(clippy::panic, reason = "the documents are compiled in, and tested")]
        compile(ENVELOPE, FAMILIES).unwrap_or_else(|error| panic!("schemas/events: {error}"))
    });
    &SCHEMA
}

fn compile(envelope: &str, families: &[(&str, &str)]) -> Result<EventSchema, String> {
    let mut event: Value = serde_json::from_str(envelope).map_err(|error| error.to_string())?;
    let Some(Value::Array(mut fields)) = event.get_mut("fields").map(Value::take) else {
        return Err("envelope.avsc: fields is not an array".into());
    };
    let mut kinds = BTreeMap::new();
    for (family, document) in families {
        let mut record: Value =
            serde_json::from_str(document).map_err(|error| format!("{family}.avsc: {error}"))?;
        let listed = record.as_object_mut().and_then(|object| object.remove("kinds"));
        let listed: Vec<String> = listed
            .and_then(|listed| serde_json::from_value(listed).ok())
            .ok_or_else(|| format!("{family}.avsc: kinds is not a list of texts"))?;
        for kind in listed {
            if kinds.insert(kind.clone(), (*family).to_owned()).is_some() {
                return Err(format!("{family}.avsc: kind {kind} belongs to another family too"));
            }
        }
        let doc = record.get("doc").cloned().unwrap_or_default();
        fields.push(json!({"name": family, "type": ["null", record], "default": null, "doc": doc}));
    }
    for field in &mut fields {
        if let Some(Value::Array(inner)) = field.pointer_mut("/type/1/fields") {
            inner.sort_by_key(field_name);
        }
    }
    fields.sort_by_key(field_name);

    let mut columns = Vec::new();
    for field in &fields {
        match field.pointer("/type/1/fields") {
            None => columns.push(column(None, field)?),
            Some(inner) => {
                let group = field_name(field);
                for field in inner.as_array().into_iter().flatten() {
                    columns.push(column(Some(&group), field)?);
                }
            }
        }
    }
    if !columns.is_sorted_by(|a, b| a.path < b.path) {
        return Err("columns are not in ascending order of their paths, or one repeats".into());
    }
    let mut by_path = HashMap::new();
    for (index, column) in columns.iter().enumerate() {
        let id = u16::try_from(index).map_err(|_| "too many columns".to_owned())?;
        by_path.insert(column.path.clone(), ColumnId(id));
    }
    if let Some(object) = event.as_object_mut() {
        object.insert("fields".into(), Value::Array(fields));
    }
    Ok(EventSchema { columns, by_path, kinds, avro_json: event.to_string() })
}

fn field_name(field: &Value) -> String {
    field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn column(group: Option<&str>, field: &Value) -> Result<Column, String> {
    let name = field_name(field);
    let path = group.map_or_else(|| name.clone(), |group| format!("{group}.{name}"));
    let declared = field.get("type").unwrap_or(&Value::Null);
    let (value_type, required) = match declared {
        Value::Array(union) => match union.as_slice() {
            [Value::String(null), value_type] if null == "null" => (value_type, false),
            _ => return Err(format!("{path}: a nullable type is written [\"null\", type]")),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            (declared, true)
        }
    };
    let text = |key: &str| value_type.get(key).and_then(Value::as_str);
    let name_of_type = value_type.as_str().or_else(|| text("type")).unwrap_or_default();
    let cell_type = match (name_of_type, text("logicalType")) {
        ("boolean", None) => CellType::Bool,
        ("long", None) => CellType::Int,
        ("long", Some("timestamp-micros")) => CellType::Time,
        ("double", None) => CellType::Float,
        ("string", None) => CellType::Text,
        ("bytes", None) => CellType::Bytes,
        ("array", None) if text("items") == Some("string") => CellType::Texts,
        ("map", None) if text("values") == Some("string") => CellType::Map,
        _ => return Err(format!("{path}: type {value_type} has no column type")),
    };
    let doc = field.get("doc").and_then(Value::as_str).unwrap_or_default().to_owned();
    if doc.is_empty() {
        return Err(format!("{path}: doc is missing"));
    }
    let erasable = field.get("erasable").and_then(Value::as_bool).unwrap_or(false);
    Ok(Column { path, group: group.map(str::to_owned), name, cell_type, erasable, required, doc })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_compile_and_avro_agrees() {
        let schema = schema();
        assert!(schema.columns().len() > 150);
        assert_eq!(schema.family("tool.called"), Some("tool"));
        assert_eq!(schema.column(schema.id("run.status").unwrap()).path, "run.status");
        apache_avro::Schema::parse_str(schema.avro_json()).unwrap();
    }

    #[test]
    fn content_is_erasable() {
        for path in ["attributes", "run.input", "tool.arguments", "quarantine.value"] {
            assert!(schema().column(schema().id(path).unwrap()).erasable, "{path}");
        }
    }
}
