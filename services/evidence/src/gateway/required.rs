//! What an act must name, beside who acts and the agent (which decoding checks): without it, it says nothing.

use event::{ColumnId, Event, column, kind, schema};

/// Columns that kinds need beside their subject, which the vocabulary names.
const FURTHER: [(&str, &[ColumnId]); 6] = [
    (kind::AGENT_VERSION_CREATED, &[column::AGENT_VERSION.id()]),
    (kind::CORPUS_VERSION_CREATED, &[column::corpus::DIGEST.id()]),
    (kind::EVAL_SUITE_COMPLETED, &[column::eval::GATE.id()]),
    (kind::POLICY_VERSION_PUBLISHED, &[column::policy::VERSION.id(), column::policy::DIGEST.id()]),
    (kind::POLICY_VERSION_RETIRED, &[column::policy::VERSION.id()]),
    (kind::POLICY_ACKNOWLEDGED, &[column::policy::VERSION.id(), column::policy::PERSON.id()]),
];

/// Columns that an act lacks.
pub(super) fn missing(act: &Event<'_>) -> Vec<ColumnId> {
    let kind = act.text(column::KIND).unwrap_or_default();
    let Some(known) = schema().kind(kind) else { return Vec::new() };
    let further = FURTHER.iter().filter(|(of, _)| *of == kind).flat_map(|(_, columns)| *columns);
    let all = known.subject.into_iter().chain(further.copied());
    let is_missing = |id: &ColumnId| match act.get(*id) {
        Some(cell) => cell.as_text().is_some_and(|text| text.trim().is_empty()),
        None => true,
    };
    all.filter(is_missing).collect()
}
