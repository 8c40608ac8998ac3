//! Documents as they are applied: names numbered, fields of a kind in the order of its columns.

use std::collections::{BTreeMap, BTreeSet};

use event::schema::FAMILIES;
use event::{CellType, ColumnId, column, schema};

use crate::document::{self, Condition, Document, DocumentError, Field, Rule};
use crate::names::{Names, Number};
use crate::source::Source;

/// The rules of all documents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) of_spans: Names,
    pub(crate) of_resources: Names,
    pub(crate) spans: Vec<Compiled>,
    pub(crate) logs: Vec<Compiled>,
    /// Names of the documents, and their conventions.
    pub(crate) conventions: Vec<(&'static str, String)>,
}

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// The document.
    pub(crate) mapping: &'static str,
    pub(crate) kind: String,
    pub(crate) when: Vec<Test>,
    /// In ascending order of their columns.
    pub(crate) fields: Vec<Target>,
    pub(crate) agent: Vec<Source>,
    pub(crate) version: Vec<Source>,
    /// Columns of the kind's family that spans have a value for without an attribute.
    pub(crate) own: Own,
}

/// The columns of a family that a span fills by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own {
    pub(crate) status: Option<ColumnId>,
    pub(crate) error_type: Option<ColumnId>,
    pub(crate) duration_ms: Option<ColumnId>,
    pub(crate) name: Option<ColumnId>,
    pub(crate) span_type: Option<ColumnId>,
    pub(crate) severity: Option<ColumnId>,
    pub(crate) body: Option<ColumnId>,
}

/// A test of a span or log record.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Present(Number, bool),
    In(Number, Vec<String>),
    Root(bool),
    SpanKind(Vec<String>),
    Event(String),
    Scope(String),
}

/// A field, and where its value comes from.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) column: ColumnId,
    pub(crate) cell_type: CellType,
    pub(crate) from: Vec<Source>,
    pub(crate) map: Option<BTreeMap<String, String>>,
}

/// Compiles documents.
///
/// # Errors
///
/// The first document that is invalid, with the key.
pub(crate) fn compile(documents: &[(&'static str, &str)]) -> Result<Rules, DocumentError> {
    let mut read: BTreeMap<&str, Document> = BTreeMap::new();
    for (name, text) in documents {
        read.insert(name, document::parse(name, text)?);
    }
    let mut rules = Rules::default();
    for (name, _) in documents {
        let whole = extended(name, &read)?;
        rules.conventions.push((name, whole.convention.clone()));
        for rule in &whole.span {
            let compiled = rules.rule(name, &whole, rule, false)?;
            rules.spans.push(compiled);
        }
        for rule in &whole.log {
            let compiled = rules.rule(name, &whole, rule, true)?;
            rules.logs.push(compiled);
        }
    }
    Ok(rules)
}

/// A document with what it has from those that it extends.
fn extended(name: &str, read: &BTreeMap<&str, Document>) -> Result<Document, DocumentError> {
    let mut seen = BTreeSet::from([name.to_owned()]);
    let Some(own) = read.get(name) else {
        return Err(DocumentError::new(name, "there is no such document"));
    };
    let mut whole = own.clone();
    let mut next = own.extends.clone();
    while let Some(base) = next.take() {
        let Some(below) = read.get(&*base).filter(|_| seen.insert(base.clone())) else {
            let reason = format!("`extends`: `{base}` is no other document");
            return Err(DocumentError::new(name, reason));
        };
        if whole.agent.is_empty() {
            whole.agent.clone_from(&below.agent);
        }
        if whole.version.is_empty() {
            whole.version.clone_from(&below.version);
        }
        for (target, field) in &below.fields {
            whole.fields.entry(target.clone()).or_insert_with(|| field.clone());
        }
        next.clone_from(&below.extends);
    }
    Ok(whole)
}

impl Rules {
    /// Lets these places name the agent, whatever the document.
    pub(crate) fn set_agent(&mut self, places: &[String]) -> Result<(), DocumentError> {
        let sources: Result<Vec<_>, String> =
            places.iter().map(|place| self.source(place)).collect();
        let sources = sources.map_err(|reason| DocumentError::new("own", reason))?;
        for rule in self.spans.iter_mut().chain(&mut self.logs) {
            rule.agent.clone_from(&sources);
        }
        Ok(())
    }

    fn rule(
        &mut self,
        name: &'static str,
        document: &Document,
        rule: &Rule,
        is_log: bool,
    ) -> Result<Compiled, DocumentError> {
        let wrong = |reason: String| DocumentError::new(name, reason);
        let Some(family) = schema().family(&rule.kind) else {
            return Err(wrong(format!("`kind`: unknown kind `{}`", rule.kind)));
        };
        let mut when = Vec::new();
        for condition in &rule.when {
            when.push(self.test(condition).map_err(|reason| wrong(format!("`when`: {reason}")))?);
        }
        let mut fields = Vec::new();
        for (target, field) in &document.fields {
            let target_of = |reason: String| wrong(format!("`fields.{target}`: {reason}"));
            let Some(column) = schema().id(target).filter(|id| may_be_mapped(*id)) else {
                return Err(target_of("no field that a mapping may fill".to_owned()));
            };
            let known = schema().column(column);
            let group = known.group.as_deref();
            let of_family = group.is_some_and(is_family);
            if of_family && group != Some(family) {
                continue;
            }
            fields.push(self.target(column, known.cell_type, field).map_err(target_of)?);
        }
        fields.sort_by_key(|field| field.column);
        let own = |field: &str| schema().id(&format!("{family}.{field}"));
        let mut list = |key: &str, places: &[String]| {
            let sources = places.iter().map(|place| self.source(place)).collect();
            let sources: Result<Vec<Source>, String> = sources;
            sources.map_err(|reason| wrong(format!("`{key}`: {reason}")))
        };
        Ok(Compiled {
            mapping: name,
            kind: rule.kind.clone(),
            when,
            fields,
            agent: list("agent", &document.agent)?,
            version: list("version", &document.version)?,
            own: Own {
                status: own("status").filter(|_| !is_log),
                error_type: own("error_type"),
                duration_ms: own("duration_ms").filter(|_| !is_log),
                name: column_of_other_spans(column::telemetry::NAME.id(), family),
                span_type: column_of_other_spans(column::telemetry::TYPE.id(), family)
                    .filter(|_| !is_log),
                severity: column_of_other_spans(column::telemetry::SEVERITY.id(), family)
                    .filter(|_| is_log),
                body: column_of_other_spans(column::telemetry::BODY.id(), family)
                    .filter(|_| is_log),
            },
        })
    }

    fn source(&mut self, place: &str) -> Result<Source, String> {
        Source::parse(place, &mut self.of_spans, &mut self.of_resources)
    }

    fn target(
        &mut self,
        column: ColumnId,
        cell_type: CellType,
        field: &Field,
    ) -> Result<Target, String> {
        let (places, map) = field.parts();
        let from: Result<Vec<_>, _> = places.iter().map(|place| self.source(place)).collect();
        let from = from?;
        if from.is_empty() {
            return Err("names no attribute".to_owned());
        }
        let map = map.map(|map| {
            map.iter().map(|(text, other)| (text.to_lowercase(), other.clone())).collect()
        });
        Ok(Target { column, cell_type, from, map })
    }

    fn test(&mut self, condition: &Condition) -> Result<Test, String> {
        let Condition { attribute, root, span_kind, event, scope, present, r#in } =
            condition.clone();
        let subjects = [
            attribute.is_some(),
            root.is_some(),
            span_kind.is_some(),
            event.is_some(),
            scope.is_some(),
        ];
        let expected = "expected one of `attribute` with `present` or `in`, `root`, `span_kind`, \
                        `event`, `scope`";
        if subjects.into_iter().filter(|is_there| *is_there).count() != 1 {
            return Err(expected.to_owned());
        }
        let plain = root
            .map(Test::Root)
            .or_else(|| span_kind.map(Test::SpanKind))
            .or_else(|| event.map(Test::Event))
            .or_else(|| scope.map(Test::Scope));
        let number = |names: &mut Names, name: &str| {
            names.number(name).ok_or_else(|| "too many attributes are named".to_owned())
        };
        match (plain, attribute, present, r#in) {
            (Some(test), None, None, None) => Ok(test),
            (None, Some(name), Some(present), None) => {
                Ok(Test::Present(number(&mut self.of_spans, &name)?, present))
            }
            (None, Some(name), None, Some(texts)) => {
                Ok(Test::In(number(&mut self.of_spans, &name)?, texts))
            }
            _ => Err(expected.to_owned()),
        }
    }
}

/// Whether a group of fields is that of a family of kinds.
fn is_family(group: &str) -> bool {
    FAMILIES.iter().any(|(family, _)| *family == group)
}

/// A column of the family of spans and records that no convention knows.
fn column_of_other_spans(column: ColumnId, family: &str) -> Option<ColumnId> {
    (schema().column(column).group.as_deref() == Some(family)).then_some(column)
}

/// What a mapping may not fill: the code does, or nobody may.
fn may_be_mapped(id: ColumnId) -> bool {
    let filled = [
        column::KIND.id(),
        column::ATTRIBUTES.id(),
        column::EVENT_ID.id(),
        column::SCHEMA_VERSION.id(),
        column::AGENT_ID.id(),
        column::AGENT_VERSION.id(),
        column::VERSION_RULE.id(),
        column::RUN_ID.id(),
        column::SPAN_ID.id(),
        column::PARENT_SPAN_ID.id(),
        column::TENANT_ID.id(),
        column::RECEIVED_AT.id(),
    ];
    !filled.contains(&id)
}
