//! The event schema: fields, columns and kinds, compiled once from `schemas/events/*.avsc`.
//!
//! A *column* is a field that holds a value: `run_id`, or `run.status` for a field of the group
//! `run`. Columns are numbered in ascending byte order of their paths; [`ColumnId`] is that
//! number. The composed Avro record has its fields in the same order, so that decoding an event
//! visits the columns in order.
//!
//! Evolution: within a major, only nullable fields are added. What any build wrote stays decodable
//! through the fingerprint of its schema (`schemas/events/published/`).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::cell::CellType;
use crate::kind::Kind;

mod compile;

/// The families: groups of fields, each with the kinds of event that fill it. To add one, write
/// the document and add its line.
pub const FAMILIES: &[(&str, &str)] = &[
    ("access", include_str!("../../../schemas/events/access.avsc")),
    ("agent", include_str!("../../../schemas/events/agent.avsc")),
    ("approval", include_str!("../../../schemas/events/approval.avsc")),
    ("attestation", include_str!("../../../schemas/events/attestation.avsc")),
    ("change", include_str!("../../../schemas/events/change.avsc")),
    ("config", include_str!("../../../schemas/events/config.avsc")),
    ("control", include_str!("../../../schemas/events/control.avsc")),
    ("corpus", include_str!("../../../schemas/events/corpus.avsc")),
    ("data", include_str!("../../../schemas/events/data.avsc")),
    ("drift", include_str!("../../../schemas/events/drift.avsc")),
    ("erasure", include_str!("../../../schemas/events/erasure.avsc")),
    ("eval", include_str!("../../../schemas/events/eval.avsc")),
    ("governance", include_str!("../../../schemas/events/governance.avsc")),
    ("hold", include_str!("../../../schemas/events/hold.avsc")),
    ("incident", include_str!("../../../schemas/events/incident.avsc")),
    ("key", include_str!("../../../schemas/events/key.avsc")),
    ("maintenance", include_str!("../../../schemas/events/maintenance.avsc")),
    ("memory", include_str!("../../../schemas/events/memory.avsc")),
    ("metric", include_str!("../../../schemas/events/metric.avsc")),
    ("model", include_str!("../../../schemas/events/model.avsc")),
    ("monitor", include_str!("../../../schemas/events/monitor.avsc")),
    ("notification", include_str!("../../../schemas/events/notification.avsc")),
    ("oversight", include_str!("../../../schemas/events/oversight.avsc")),
    ("pack", include_str!("../../../schemas/events/pack.avsc")),
    ("policy", include_str!("../../../schemas/events/policy.avsc")),
    ("producer", include_str!("../../../schemas/events/producer.avsc")),
    ("quarantine", include_str!("../../../schemas/events/quarantine.avsc")),
    ("retention", include_str!("../../../schemas/events/retention.avsc")),
    ("retrieval", include_str!("../../../schemas/events/retrieval.avsc")),
    ("risk", include_str!("../../../schemas/events/risk.avsc")),
    ("run", include_str!("../../../schemas/events/run.avsc")),
    ("segment", include_str!("../../../schemas/events/segment.avsc")),
    ("supplier", include_str!("../../../schemas/events/supplier.avsc")),
    ("telemetry", include_str!("../../../schemas/events/telemetry.avsc")),
    ("tool", include_str!("../../../schemas/events/tool.avsc")),
];

/// The composed schema of each build that had another one than the build before, without its prose, and
/// its fingerprint; oldest first. The last is that of this build: a later one finds it here. `make bless`
/// writes the file of one that was changed; add its line.
pub(crate) const PUBLISHED: &[(u64, &str)] = &[
    (
        0x4170_1e20_7bf0_51a0,
        include_str!("../../../schemas/events/published/41701e207bf051a0.avsc"),
    ),
    (
        0x839f_2e84_b556_7676,
        include_str!("../../../schemas/events/published/839f2e84b5567676.avsc"),
    ),
    (
        0x2ebe_6e10_a4cf_c945,
        include_str!("../../../schemas/events/published/2ebe6e10a4cfc945.avsc"),
    ),
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

    /// Path of the column, such as `run.status`.
    ///
    /// # Panics
    ///
    /// Never: only columns have a number.
    #[must_use]
    pub fn path(self) -> &'static str {
        #[expect(clippy::indexing_slicing, reason = "only columns have a number")]
        crate::column::PATHS[self.index()]
    }
}

/// A field that holds a value.
#[derive(Debug, Clone, PartialEq)]
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
    /// Unit of a number, such as `ms`; `1` for a share or another number without a unit.
    pub unit: Option<String>,
    /// Values that a text column is meant to hold; empty if any text will do.
    pub values: Vec<AllowedValue>,
    /// Range in which a number is plausible, both ends inclusive.
    pub range: Option<PlausibleRange>,
    /// What the field means.
    pub doc: String,
}

impl Column {
    /// The allowed value that a text names, by its own name or by an alias, in lower or upper case;
    /// `None` for another text, and for every text where any will do.
    #[must_use]
    pub fn allowed(&self, text: &str) -> Option<&str> {
        let named = self.values.iter().find(|value| value.name == text);
        let found = named.or_else(|| {
            self.values.iter().find(|value| {
                let mut names = value.aliases.iter().chain([&value.name]);
                names.any(|name| name.eq_ignore_ascii_case(text))
            })
        });
        found.map(|value| value.name.as_str())
    }
}

/// A value that a column is meant to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedValue {
    /// The value as it is written.
    pub name: String,
    /// Other texts that mean the same.
    pub aliases: Vec<String>,
}

/// Range in which a number is plausible, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlausibleRange {
    /// Smallest plausible value.
    pub min: Option<f64>,
    /// Largest plausible value.
    pub max: Option<f64>,
}

impl PlausibleRange {
    /// Whether the number is in the range; NaN never is.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        self.min.is_none_or(|min| number >= min)
            && self.max.is_none_or(|max| number <= max)
            && !number.is_nan()
    }
}

/// The compiled schema.
#[derive(Debug)]
pub struct EventSchema {
    columns: Vec<Column>,
    by_path: HashMap<String, ColumnId>,
    kinds: BTreeMap<String, Kind>,
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

    /// The numbers of all columns, in ascending order.
    pub fn ids(&self) -> impl Iterator<Item = ColumnId> {
        (0_u16..).zip(&self.columns).map(|(index, _)| ColumnId(index))
    }

    /// The number of the column with that path.
    #[must_use]
    pub fn id(&self, path: &str) -> Option<ColumnId> {
        self.by_path.get(path).copied()
    }

    /// What is known of a kind; `None` for a kind this version does not know.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// The group that events of a kind fill; `None` for a kind this version does not know.
    #[must_use]
    pub fn family(&self, kind: &str) -> Option<&str> {
        self.kinds.get(kind).map(|kind| kind.family.as_str())
    }

    /// Known kinds, in ascending order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
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
        compile::compile(ENVELOPE, FAMILIES)
            .unwrap_or_else(|error| panic!("schemas/events: {error}"))
    });
    &SCHEMA
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{column, kind};

    #[test]
    fn the_documents_compile_and_avro_agrees() {
        let schema = schema();
        assert!(schema.columns().len() > 150);
        assert_eq!(schema.family(kind::TOOL_CALLED), Some("tool"));
        assert_eq!(schema.column(column::run::STATUS.id()).path, "run.status");
        apache_avro::Schema::parse_str(schema.avro_json()).unwrap();
    }

    #[test]
    fn content_is_erasable() {
        let erasable = |id: ColumnId| schema().column(id).erasable;
        assert!(erasable(column::ATTRIBUTES.id()) && erasable(column::quarantine::VALUE.id()));
        assert!(erasable(column::run::INPUT.id()) && erasable(column::tool::ARGUMENTS.id()));
    }

    #[test]
    fn aliases_mean_the_allowed_value_and_ranges_have_both_ends() {
        let status = schema().column(column::run::STATUS.id());
        assert_eq!(status.allowed("STATUS_CODE_ERROR"), Some("error"));
        assert_eq!(status.allowed("ok"), Some("ok"));
        assert_eq!(status.allowed("Failure"), Some("error"));
        assert_eq!(status.allowed("kaputt"), None);
        let share = schema().column(column::agent::TRAFFIC_SHARE.id()).range.unwrap();
        assert!(share.contains(0.0) && share.contains(1.0));
        assert!(!share.contains(1.01) && !share.contains(f64::NAN));
    }

    #[test]
    fn a_document_that_contradicts_itself_is_refused_with_its_place() {
        let family = |kinds: &str, field: &str| {
            let document = format!(
                r#"{{"type": "record", "name": "X", "doc": "x", "kinds": [{kinds}],
                   "fields": [{{"name": "f", "default": null, {field}}}]}}"#
            );
            compile::compile(ENVELOPE, &[("x", &document)]).map(|_| ())
        };
        let kind = r#"{"name": "x.y", "about": "run", "written_by": ["agent"], "doc": "d"}"#;
        let text = r#""type": ["null", "string"], "doc": "d""#;
        assert_eq!(family(kind, text), Ok(()));
        for (kinds, field, place) in [
            (format!("{kind}, {kind}"), text.to_owned(), "x.y is there twice"),
            (kind.replace("run", "moon"), text.to_owned(), "unknown variant `moon`"),
            (
                kind.replace("\"doc\"", "\"subject\": \"g\", \"doc\""),
                text.to_owned(),
                "no field x.g",
            ),
            (kind.to_owned(), text.replace("\"doc\": \"d\"", "\"doc\": \"\""), "x.f: doc"),
            (kind.to_owned(), format!(r#"{text}, "unit": "ms""#), "x.f: unit"),
            (kind.to_owned(), format!(r#"{text}, "range": [0, 1]"#), "x.f: range"),
            (
                kind.to_owned(),
                format!(r#"{text}, "allowed": {{"a": ["b"], "b": []}}"#),
                "x.f: allowed: a text means two values",
            ),
        ] {
            let error = family(&kinds, &field).unwrap_err();
            assert!(error.contains(place), "{error}");
        }
    }
}
