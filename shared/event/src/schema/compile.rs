//! From the documents under `schemas/events/` to the schema.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AllowedValue, Column, ColumnId, EventSchema, PlausibleRange};
use crate::cell::CellType;
use crate::kind::{About, Kind, Writer};

/// A kind as its document writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindDocument {
    name: String,
    about: About,
    written_by: Vec<Writer>,
    #[serde(default)]
    notable: bool,
    #[serde(default)]
    act: bool,
    #[serde(default)]
    heartbeat: bool,
    subject: Option<String>,
    doc: String,
}

pub(super) fn compile(envelope: &str, families: &[(&str, &str)]) -> Result<EventSchema, String> {
    let mut event: Value = serde_json::from_str(envelope).map_err(|error| error.to_string())?;
    let Some(Value::Array(mut fields)) = event.get_mut("fields").map(Value::take) else {
        return Err("envelope.avsc: fields is not an array".into());
    };
    let mut kinds_of_families = Vec::new();
    for (family, document) in families {
        let mut record: Value =
            serde_json::from_str(document).map_err(|error| format!("{family}.avsc: {error}"))?;
        let kinds = record
            .as_object_mut()
            .and_then(|object| object.remove("kinds"))
            .ok_or_else(|| format!("{family}.avsc: kinds is missing"))?;
        let kinds: Vec<KindDocument> = serde_json::from_value(kinds)
            .map_err(|error| format!("{family}.avsc: kinds: {error}"))?;
        kinds_of_families.push((*family, kinds));
        let doc =
            record.get("doc").cloned().ok_or_else(|| format!("{family}.avsc: doc is missing"))?;
        fields.push(json!({"name": family, "type": ["null", record], "default": null, "doc": doc}));
    }
    for field in &mut fields {
        if let Some(Value::Array(inner)) = field.pointer_mut("/type/1/fields") {
            inner.sort_by_key(name_of);
        }
    }
    fields.sort_by_key(name_of);

    let mut columns = Vec::new();
    for field in &fields {
        match field.pointer("/type/1/fields") {
            None => columns.push(column(None, field)?),
            Some(inner) => {
                let group = name_of(field);
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
    let mut kinds = BTreeMap::new();
    for (family, documents) in kinds_of_families {
        for document in documents {
            let kind = kind(family, document, &by_path)?;
            if let Some(twice) = kinds.insert(kind.name.clone(), kind) {
                return Err(format!("{family}.avsc: kind {} is there twice", twice.name));
            }
        }
    }
    if let Some(object) = event.as_object_mut() {
        object.insert("fields".into(), Value::Array(fields));
    }
    Ok(EventSchema { columns, by_path, kinds, avro_json: event.to_string() })
}

fn kind(
    family: &str,
    document: KindDocument,
    by_path: &HashMap<String, ColumnId>,
) -> Result<Kind, String> {
    let KindDocument { name, about, written_by, notable, act, heartbeat, subject, doc } = document;
    if written_by.is_empty() || doc.is_empty() {
        return Err(format!("{family}.avsc: kind {name}: written_by or doc is empty"));
    }
    let subject = subject
        .map(|field| {
            let path = format!("{family}.{field}");
            by_path.get(&path).copied().ok_or_else(|| format!("kind {name}: no field {path}"))
        })
        .transpose()?;
    let family = family.to_owned();
    Ok(Kind { name, family, about, written_by, notable, act, heartbeat, subject, doc })
}

/// Name of an Avro field. A field without one sorts first and is refused by [`column`].
fn name_of(field: &Value) -> String {
    field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn column(group: Option<&str>, field: &Value) -> Result<Column, String> {
    let name = name_of(field);
    let path = group.map_or_else(|| name.clone(), |group| format!("{group}.{name}"));
    if name.is_empty() {
        return Err(format!("{path}: a field has no name"));
    }
    let declared = field.get("type").ok_or_else(|| format!("{path}: type is missing"))?;
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
    let name_of_type = value_type.as_str().or_else(|| text("type"));
    let cell_type = match (name_of_type, text("logicalType")) {
        (Some("boolean"), None) => CellType::Bool,
        (Some("long"), None) => CellType::Int,
        (Some("long"), Some("timestamp-micros")) => CellType::Time,
        (Some("double"), None) => CellType::Float,
        (Some("string"), None) => CellType::Text,
        (Some("bytes"), None) => CellType::Bytes,
        (Some("array"), None) if text("items") == Some("string") => CellType::Texts,
        (Some("map"), None) if text("values") == Some("string") => CellType::Map,
        _ => return Err(format!("{path}: type {value_type} has no column type")),
    };
    let doc = field.get("doc").and_then(Value::as_str).filter(|doc| !doc.is_empty());
    let doc = doc.ok_or_else(|| format!("{path}: doc is missing"))?.to_owned();
    let erasable = match field.get("erasable") {
        None => false,
        Some(Value::Bool(erasable)) => *erasable,
        Some(other) => return Err(format!("{path}: erasable is {other}")),
    };
    let unit = match field.get("unit") {
        None => None,
        Some(Value::String(unit)) if matches!(cell_type, CellType::Int | CellType::Float) => {
            Some(unit.clone())
        }
        Some(unit) => return Err(format!("{path}: unit {unit} of {cell_type:?}")),
    };
    Ok(Column {
        values: values(&path, cell_type, field.get("allowed"))?,
        range: range(&path, cell_type, field.get("range"))?,
        path,
        group: group.map(str::to_owned),
        name,
        cell_type,
        erasable,
        required,
        unit,
        doc,
    })
}

/// `{"value": ["alias", …], …}` of a text; no text may mean two values.
fn values(
    path: &str,
    cell_type: CellType,
    declared: Option<&Value>,
) -> Result<Vec<AllowedValue>, String> {
    let Some(declared) = declared else { return Ok(Vec::new()) };
    let wrong = |what: &str| Err(format!("{path}: allowed: {what}"));
    if cell_type != CellType::Text {
        return wrong("only texts have a set of values");
    }
    let Ok(declared) = serde_json::from_value::<BTreeMap<String, Vec<String>>>(declared.clone())
    else {
        return wrong("not an object of lists of texts");
    };
    let mut texts: Vec<&String> =
        declared.iter().flat_map(|(name, own)| own.iter().chain([name])).collect();
    texts.sort_unstable_by_key(|text| text.to_ascii_lowercase());
    let is_repeated = |pair: &[&String]| match pair {
        [a, b] => a.eq_ignore_ascii_case(b),
        _ => false,
    };
    if texts.windows(2).any(is_repeated) {
        return wrong("a text means two values");
    }
    let allowed = |(name, aliases)| AllowedValue { name, aliases };
    Ok(declared.into_iter().map(allowed).collect())
}

/// `[min, max]` of a number, either of them null.
fn range(
    path: &str,
    cell_type: CellType,
    declared: Option<&Value>,
) -> Result<Option<PlausibleRange>, String> {
    let Some(declared) = declared else { return Ok(None) };
    let bounds: Option<(Option<f64>, Option<f64>)> = serde_json::from_value(declared.clone()).ok();
    match bounds {
        Some((min, max)) if matches!(cell_type, CellType::Int | CellType::Float) => {
            Ok(Some(PlausibleRange { min, max }))
        }
        _ => Err(format!("{path}: range {declared} of {cell_type:?}")),
    }
}
