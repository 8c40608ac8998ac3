//! Which columns a file has, in which order and of which types.

use std::collections::BTreeSet;

use event::{CellType, Column, ColumnId};

/// Type of the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int32,
    Int64,
    Double,
    Text,
    Bytes,
    /// So many bytes.
    Fixed(i32),
    /// Milliseconds since the epoch, UTC.
    Millis,
    /// Microseconds since the epoch, UTC.
    Micros,
}

/// What a row has of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    One(Type),
    /// List of texts.
    Texts,
    /// Map of text to something.
    Map(Type),
}

/// What a field is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    TimestampType,
    SchemaId,
    RecordDigest,
    Salt,
    Event(ColumnId),
    Erased,
    Kept,
}

/// A field: one column of the file, or two for a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) source: Source,
    /// The group that it is in.
    pub(super) group: Option<&'static str>,
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// Whether its pages are compressed: random bytes are not.
    pub(super) compressed: bool,
}

impl Field {
    const fn record(source: Source, name: &'static str, of: Type, required: bool) -> Self {
        let compressed = !matches!(of, Type::Fixed(_));
        Self { source, group: None, name, shape: Shape::One(of), required, compressed }
    }

    const fn secrets(source: Source, name: &'static str) -> Self {
        let shape = Shape::Map(Type::Bytes);
        Self { source, group: None, name, shape, required: false, compressed: true }
    }

    fn of_event(id: ColumnId, column: &'static Column) -> Self {
        let shape = match column.cell_type {
            CellType::Bool => Shape::One(Type::Bool),
            CellType::Int => Shape::One(Type::Int64),
            CellType::Float => Shape::One(Type::Double),
            CellType::Text => Shape::One(Type::Text),
            CellType::Bytes => Shape::One(Type::Bytes),
            CellType::Time => Shape::One(Type::Micros),
            CellType::Texts => Shape::Texts,
            CellType::Map => Shape::Map(Type::Text),
        };
        Self {
            source: Source::Event(id),
            group: column.group.as_deref(),
            name: &column.name,
            shape,
            required: column.required,
            compressed: true,
        }
    }

    /// Definition level at which the group is there but the field has no value.
    pub(super) fn absent_level(&self) -> u8 {
        u8::from(self.group.is_some())
    }

    /// Definition level of a value.
    pub(super) fn value_level(&self) -> u8 {
        let optional = u8::from(!self.required);
        let repeated = u8::from(!matches!(self.shape, Shape::One(_)));
        self.absent_level() + optional + repeated
    }

    /// Types of its columns: of a map, those of keys and values.
    pub(super) fn types(&self) -> Vec<Type> {
        match self.shape {
            Shape::One(of) => vec![of],
            Shape::Texts => vec![Type::Text],
            Shape::Map(value) => vec![Type::Text, value],
        }
    }

    /// Paths of its columns in the schema.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        let inner: &[&[&str]] = match self.shape {
            Shape::One(_) => &[&[]],
            Shape::Texts => &[&["list", "element"]],
            Shape::Map(_) => &[&["key_value", "key"], &["key_value", "value"]],
        };
        let outer = self.group.into_iter().chain([self.name]);
        inner
            .iter()
            .map(|inner| outer.clone().chain(inner.iter().copied()).map(str::to_owned).collect())
            .collect()
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group {
            Some(group) => write!(to, "column `{group}.{}`", self.name),
            None => write!(to, "column `{}`", self.name),
        }
    }
}

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(super) fields: Vec<Field>,
}

impl Columns {
    /// Those of the record, of these fields of the event and of all that are required, in ascending
    /// order of their paths, and of what hides or was erased.
    pub(crate) fn of(ids: &BTreeSet<ColumnId>) -> Self {
        let mut fields = vec![
            Field::record(Source::Topic, "kafka_topic", Type::Text, true),
            Field::record(Source::Partition, "kafka_partition", Type::Int32, true),
            Field::record(Source::Offset, "kafka_offset", Type::Int64, true),
            Field::record(Source::Timestamp, "kafka_timestamp", Type::Millis, true),
            Field::record(Source::TimestampType, "kafka_timestamp_type", Type::Int32, true),
            Field::record(Source::SchemaId, "schema_id", Type::Text, true),
            Field::record(Source::RecordDigest, "record_digest", Type::Fixed(32), true),
            Field::record(Source::Salt, "salt", Type::Fixed(16), false),
        ];
        let schema = event::schema();
        let wanted = schema.ids().filter(|id| ids.contains(id) || schema.column(*id).required);
        fields.extend(wanted.map(|id| Field::of_event(id, schema.column(id))));
        fields.push(Field::secrets(Source::Erased, "erased_commitments"));
        fields.push(Field::secrets(Source::Kept, "kept_salts"));
        Self { fields }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_group_are_neighbours() {
        let all: BTreeSet<ColumnId> = event::schema().ids().collect();
        let columns = Columns::of(&all);
        let mut groups: Vec<&str> = columns.fields.iter().filter_map(|field| field.group).collect();
        groups.dedup();
        let distinct: BTreeSet<&str> = groups.iter().copied().collect();
        assert_eq!(groups.len(), distinct.len());
        assert!(columns.fields.iter().all(|field| field.group.is_none() || !field.required));
    }
}
