//! Order and types of the columns. Frozen within a major, but for new nullable columns.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use event::{CellType, ColumnId};

/// Names of the columns beside the event's.
pub(crate) mod coordinate {
    pub(crate) const TOPIC: &str = "kafka_topic";
    pub(crate) const PARTITION: &str = "kafka_partition";
    pub(crate) const OFFSET: &str = "kafka_offset";
    pub(crate) const TIMESTAMP: &str = "kafka_timestamp";
    pub(crate) const TIMESTAMP_TYPE: &str = "kafka_timestamp_type";
    pub(crate) const SCHEMA_ID: &str = "schema_id";
    pub(crate) const RECORD_DIGEST: &str = "record_digest";
    pub(crate) const SALT: &str = "salt";
    pub(crate) const ERASED_COMMITMENTS: &str = "erased_commitments";
    pub(crate) const KEPT_SALTS: &str = "kept_salts";
}

/// Top-level columns and groups that come first, in this order; the others follow in ascending
/// order, and `attributes` is last.
const FIRST: [&str; 24] = [
    "event_id",
    "kind",
    "event_time",
    "agent_id",
    "agent_version",
    "run_id",
    "tenant_id",
    "environment",
    "version_digest",
    "version_rule",
    "span_id",
    "parent_span_id",
    "conversation_id",
    "data_class",
    "on_behalf_of",
    "subject_refs",
    "received_at",
    "schema_version",
    "source",
    "actor",
    "links",
    "origin",
    "run",
    "model",
];

/// A top-level column of the event, or a group with its columns.
#[derive(Debug)]
pub(crate) enum Part {
    Column(ColumnId, FieldRef),
    Group(FieldRef, Vec<ColumnId>),
}

/// The layout of a segment file.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) schema: SchemaRef,
    /// The event's part of the schema, in its order.
    pub(crate) parts: Vec<Part>,
}

/// The Arrow schema of a segment.
#[must_use]
pub fn arrow_schema() -> SchemaRef {
    Arc::clone(&layout().schema)
}

/// The top-level column of the event of that name, or the group.
pub(crate) fn layout_field(name: &str) -> Option<&'static FieldRef> {
    let mut fields = layout().parts.iter().map(|part| {
        let (Part::Column(_, field) | Part::Group(field, _)) = part;
        field
    });
    fields.find(|field| field.name() == name)
}

/// The layout of this version.
pub(crate) fn layout() -> &'static Layout {
    static LAYOUT: LazyLock<Layout> = LazyLock::new(compile);
    &LAYOUT
}

/// Path in the Parquet schema of every column, and the event column behind it.
pub(crate) fn paths() -> impl Iterator<Item = (&'static event::Column, Vec<String>)> {
    event::schema().columns().iter().map(|column| {
        let group = column.group.iter().cloned();
        let name = std::iter::once(column.name.clone());
        let inner: &[&str] = match column.cell_type {
            CellType::Texts => &["list", "element"],
            CellType::Map => &["key_value", "value"],
            CellType::Bool
            | CellType::Int
            | CellType::Float
            | CellType::Text
            | CellType::Bytes
            | CellType::Time => &[],
        };
        let inner = inner.iter().map(|part| (*part).to_owned());
        (column, group.chain(name).chain(inner).collect())
    })
}

/// Arrow type of a cell type.
pub(crate) fn data_type(cell_type: CellType) -> DataType {
    match cell_type {
        CellType::Bool => DataType::Boolean,
        CellType::Int => DataType::Int64,
        CellType::Float => DataType::Float64,
        CellType::Text => DataType::Utf8,
        CellType::Bytes => DataType::Binary,
        CellType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        CellType::Texts => DataType::List(element()),
        CellType::Map => DataType::Map(entries(DataType::Utf8), false),
    }
}

/// The items of a list.
pub(crate) fn element() -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

/// The entries of a map from text.
pub(crate) fn entries(value: DataType) -> FieldRef {
    let fields: Fields = pair(value);
    Arc::new(Field::new("key_value", DataType::Struct(fields), false))
}

/// Key and value of a map from text.
pub(crate) fn pair(value: DataType) -> Fields {
    vec![Field::new("key", DataType::Utf8, false), Field::new("value", value, false)].into()
}

fn compile() -> Layout {
    let mut parts: Vec<(&str, Part)> = Vec::new();
    for column in event::schema().columns() {
        let Some(id) = event::schema().id(&column.path) else { continue };
        let field = Field::new(&column.name, data_type(column.cell_type), !column.required);
        match (&column.group, parts.last_mut()) {
            (None, _) => parts.push((&column.name, Part::Column(id, Arc::new(field)))),
            (Some(group), Some((name, Part::Group(fields, ids)))) if group == name => {
                let DataType::Struct(inner) = fields.data_type() else { continue };
                let inner: Fields =
                    inner.iter().cloned().chain([Arc::new(field) as FieldRef]).collect();
                *fields = Arc::new(Field::new(*name, DataType::Struct(inner), true));
                ids.push(id);
            }
            (Some(group), _) => {
                let inner: Fields = vec![field].into();
                let fields = Arc::new(Field::new(group, DataType::Struct(inner), true));
                parts.push((group, Part::Group(fields, vec![id])));
            }
        }
    }
    parts.sort_by_key(|(name, _)| {
        let first = FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len());
        (*name == "attributes", first, *name)
    });
    let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();

    let milliseconds = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let mut fields: Vec<FieldRef> = [
        (coordinate::TOPIC, DataType::Utf8),
        (coordinate::PARTITION, DataType::Int32),
        (coordinate::OFFSET, DataType::Int64),
        (coordinate::TIMESTAMP, milliseconds),
        (coordinate::TIMESTAMP_TYPE, DataType::Int32),
        (coordinate::SCHEMA_ID, DataType::Utf8),
        (coordinate::RECORD_DIGEST, DataType::FixedSizeBinary(32)),
    ]
    .into_iter()
    .map(|(name, data_type)| Arc::new(Field::new(name, data_type, false)))
    .collect();
    fields.push(Arc::new(Field::new(coordinate::SALT, DataType::FixedSizeBinary(16), true)));
    fields.extend(parts.iter().map(|part| match part {
        Part::Column(_, field) | Part::Group(field, _) => Arc::clone(field),
    }));
    for name in [coordinate::ERASED_COMMITMENTS, coordinate::KEPT_SALTS] {
        let map = DataType::Map(entries(DataType::Binary), false);
        fields.push(Arc::new(Field::new(name, map, true)));
    }
    Layout { schema: Arc::new(Schema::new(fields)), parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_first_columns_is_frozen() {
        let names: Vec<_> = arrow_schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(
            names[..14],
            [
                "kafka_topic",
                "kafka_partition",
                "kafka_offset",
                "kafka_timestamp",
                "kafka_timestamp_type",
                "schema_id",
                "record_digest",
                "salt",
                "event_id",
                "kind",
                "event_time",
                "agent_id",
                "agent_version",
                "run_id",
            ]
        );
        assert_eq!(names[names.len() - 3..], ["attributes", "erased_commitments", "kept_salts"]);
    }

    #[test]
    fn every_column_of_the_event_is_there_once() {
        let ids = layout().parts.iter().flat_map(|part| match part {
            Part::Column(id, _) => vec![*id],
            Part::Group(_, ids) => ids.clone(),
        });
        let ids: std::collections::BTreeSet<_> = ids.collect();
        assert_eq!(ids.len(), event::schema().columns().len());
        assert_eq!(paths().count(), ids.len());
    }
}
