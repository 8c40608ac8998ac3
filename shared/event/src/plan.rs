//! The schema as decoders and the encoder walk it: fields in the order of the Avro record, which
//! is also the order of the columns.

use std::sync::LazyLock;

use crate::cell::CellType;
use crate::schema::{ColumnId, schema};

/// A field that holds a value.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) id: ColumnId,
    pub(crate) cell_type: CellType,
    pub(crate) required: bool,
    /// JSON pointer of the field in an event.
    pub(crate) pointer: String,
}

/// A nullable record of fields.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<Field>,
}

/// A field of the outer record.
#[derive(Debug)]
pub(crate) enum Entry {
    Field(Field),
    Group(Group),
}

impl Entry {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Field(field) => field.name,
            Self::Group(group) => group.name,
        }
    }
}

/// Where a column stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Position of its entry.
    pub(crate) entry: usize,
    /// Position in the group, and number of its fields; `None` for a field of the outer record.
    pub(crate) in_group: Option<(usize, usize)>,
    pub(crate) required: bool,
    pub(crate) cell_type: CellType,
}

/// The compiled walk.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In ascending order of names.
    pub(crate) entries: Vec<Entry>,
    /// Where each column stands among the entries, by its number.
    places: Vec<Place>,
    /// For each entry, how many that may be null follow each other from it on.
    nullable: Vec<usize>,
    /// The columns that every event has.
    pub(crate) required: Vec<ColumnId>,
    /// Kinds whose events must name their agent, in ascending order.
    kinds_of_agents: Vec<&'static str>,
}

impl Plan {
    /// Where a column stands.
    pub(crate) fn place(&self, column: ColumnId) -> &Place {
        let Some(place) = self.places.get(column.index()) else {
            unreachable!("there is one event schema, and it gave out number {}", column.index())
        };
        place
    }

    /// How many entries that may be null follow each other, the first of them at this position.
    pub(crate) fn nullable_from(&self, entry: usize) -> usize {
        self.nullable.get(entry).copied().unwrap_or(0)
    }

    /// Position and entry of a field of the outer record.
    pub(crate) fn entry(&self, name: &str) -> Option<(usize, &Entry)> {
        let at = self.entries.binary_search_by(|entry| entry.name().cmp(name)).ok()?;
        Some((at, self.entries.get(at)?))
    }

    /// The field of a group by its documented name, such as `run.status`.
    pub(crate) fn dotted(&self, path: &str) -> Option<&Field> {
        let (group, name) = path.split_once('.')?;
        match self.entry(group)? {
            (_, Entry::Group(group)) => group.field(name).map(|(_, field)| field),
            (_, Entry::Field(_)) => None,
        }
    }

    /// Whether events of that kind must name their agent.
    pub(crate) fn must_name_agent(&self, kind: &str) -> bool {
        self.kinds_of_agents.binary_search(&kind).is_ok()
    }
}

impl Group {
    /// Position and field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &Field)> {
        let at = self.fields.binary_search_by(|field| field.name.cmp(name)).ok()?;
        Some((at, self.fields.get(at)?))
    }
}

/// The plan of this version's schema.
pub(crate) fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(compile);
    &PLAN
}

fn compile() -> Plan {
    let mut entries: Vec<Entry> = Vec::new();
    for id in schema().ids() {
        let column = schema().column(id);
        let field = Field {
            name: &column.name,
            id,
            cell_type: column.cell_type,
            required: column.required,
            pointer: format!("/{}", column.path.replace('.', "/")),
        };
        match (column.group.as_deref(), entries.last_mut()) {
            (None, _) => entries.push(Entry::Field(field)),
            (Some(name), Some(Entry::Group(group))) if group.name == name => {
                group.fields.push(field);
            }
            (Some(name), _) => entries.push(Entry::Group(Group { name, fields: vec![field] })),
        }
    }
    let kinds_of_agents = schema()
        .kinds()
        .filter(|kind| kind.must_name_agent())
        .map(|kind| kind.name.as_str())
        .collect();
    let places = places(&entries);
    let required = schema().ids().filter(|id| schema().column(*id).required).collect();
    let mut nullable: Vec<usize> = entries
        .iter()
        .rev()
        .scan(0_usize, |run, entry| {
            let may_be_null = !matches!(entry, Entry::Field(field) if field.required);
            *run = if may_be_null { run.checked_add(1)? } else { 0 };
            Some(*run)
        })
        .collect();
    nullable.reverse();
    Plan { entries, nullable, places, required, kinds_of_agents }
}

/// Columns are numbered in the order of the entries.
fn places(entries: &[Entry]) -> Vec<Place> {
    let mut places = Vec::new();
    for (entry, of) in entries.iter().enumerate() {
        let mut add = |field: &Field, in_group| {
            assert!(field.id.index() == places.len(), "{}: out of order", field.pointer);
            let (required, cell_type) = (field.required, field.cell_type);
            places.push(Place { entry, in_group, required, cell_type });
        };
        match of {
            Entry::Field(field) => add(field, None),
            Entry::Group(group) => {
                for (at, field) in group.fields.iter().enumerate() {
                    assert!(!field.required, "{}: required in a group", field.pointer);
                    add(field, Some((at, group.fields.len())));
                }
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[test]
    fn the_plan_has_every_column_and_finds_it_by_name() {
        let fields = plan().entries.iter().map(|entry| match entry {
            Entry::Field(field) => {
                assert!(matches!(plan().entry(field.name), Some((_, Entry::Field(_)))));
                1
            }
            Entry::Group(group) => {
                assert!(group.fields.iter().all(|field| group.field(field.name).is_some()));
                group.fields.len()
            }
        });
        assert_eq!(fields.sum::<usize>(), schema().columns().len());
        assert!(plan().must_name_agent(kind::RUN_COMPLETED));
        assert!(!plan().must_name_agent(kind::QUARANTINE_ADDED));
        assert!(!plan().must_name_agent(kind::EVAL_SUITE_PUBLISHED));
    }
}
