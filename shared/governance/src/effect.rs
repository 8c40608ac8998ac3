//! The fields of an act that have an effect in a partition.

use event::{Cell, CellType, ColumnId, Event, Timestamp, column, kind, schema};
use serde_json::{Map, Value};
use thiserror::Error;

/// Most bytes of the effect fields of an act, as JSON.
pub const EFFECT_BYTES_MAX: usize = 64 * 1024;

/// Fields of every act that has an effect.
const COMMON: &[ColumnId] = &[
    column::KIND.id(),
    column::EVENT_ID.id(),
    column::EVENT_TIME.id(),
    column::TENANT_ID.id(),
    column::ENVIRONMENT.id(),
    column::AGENT_ID.id(),
    column::AGENT_VERSION.id(),
    column::actor::ID.id(),
];

const SUPPRESSION: &[ColumnId] = &[
    column::drift::SUPPRESSION_ID.id(),
    column::drift::METRIC.id(),
    column::drift::SUITE.id(),
    column::drift::SEVERITY.id(),
    column::drift::FROM.id(),
    column::drift::UNTIL.id(),
];

const MAINTENANCE: &[ColumnId] = &[
    column::maintenance::ID.id(),
    column::maintenance::FROM.id(),
    column::maintenance::UNTIL.id(),
];

const BASELINE: &[ColumnId] =
    &[column::drift::ALERT_ID.id(), column::drift::METRIC.id(), column::drift::SUITE.id()];

const SUITE: &[ColumnId] =
    &[column::eval::SUITE.id(), column::eval::SUITE_DIGEST.id(), column::eval::DOCUMENT.id()];

const VERSION: &[ColumnId] = &[
    column::VERSION_DIGEST.id(),
    column::agent::FROM_VERSION.id(),
    column::agent::TO_VERSION.id(),
    column::agent::TO_DIGEST.id(),
    column::agent::TRAFFIC_SHARE.id(),
    column::agent::PROMPT_NAME.id(),
    column::agent::PROMPT_DIGEST.id(),
];

const CHANGE: &[ColumnId] = &[
    column::VERSION_DIGEST.id(),
    column::change::ID.id(),
    column::change::TYPE.id(),
    column::change::FROM_VERSION.id(),
    column::change::TO_VERSION.id(),
    column::change::TO_DIGEST.id(),
];

/// The fields of a kind that have an effect beside [`COMMON`]; `None` if it has none in partitions.
fn fields_of(kind: &str) -> Option<&'static [ColumnId]> {
    match kind {
        kind::DRIFT_SUPPRESSION_STARTED | kind::DRIFT_SUPPRESSION_ENDED => Some(SUPPRESSION),
        kind::MAINTENANCE_STARTED | kind::MAINTENANCE_ENDED => Some(MAINTENANCE),
        kind::DRIFT_BASELINE_PINNED | kind::DRIFT_BASELINE_UNPINNED => Some(BASELINE),
        kind::EVAL_SUITE_PUBLISHED => Some(SUITE),
        kind if kind.starts_with("agent.version.") => Some(VERSION),
        kind => (schema().family(kind) == Some("change")).then_some(CHANGE),
    }
}

/// Whether acts of a kind have an effect in partitions. Others are recorded, and enforced where they
/// are read: answers to alerts by the notifier, decisions by the gateway.
#[must_use]
pub fn has_effect(kind: &str) -> bool {
    fields_of(kind).is_some()
}

/// Why an act has no effect that could be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EffectError {
    /// Too large.
    #[error(
        "the fields that have an effect take {found} bytes; at most {EFFECT_BYTES_MAX} are admitted"
    )]
    TooLarge {
        /// Their size, bytes.
        found: usize,
    },
    /// A number that has no JSON form.
    #[error("`{0}` is not a finite number")]
    NotFinite(&'static str),
    /// A field that has no effect in this kind, or is of another type.
    #[error("`{0}` is no field with an effect of that kind")]
    Field(String),
    /// Not the text of effect fields.
    #[error("not an object with the fields of an act")]
    Form,
}

/// The fields of an act that have an effect, as an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect(Event<'static>);

impl Effect {
    /// The effect of an act; `None` if its kind has none in partitions.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `NotFinite`.
    pub fn of(act: &Event<'_>) -> Result<Option<Self>, EffectError> {
        let kind = act.text(column::KIND).unwrap_or_default();
        let Some(own) = fields_of(kind) else { return Ok(None) };
        let mut event = Event::empty();
        for (id, cell) in act.cells() {
            if COMMON.contains(id) || own.contains(id) {
                if matches!(cell, Cell::Float(value) if !value.is_finite()) {
                    return Err(EffectError::NotFinite(id.path()));
                }
                event.set(*id, cell.clone().into_owned());
            }
        }
        let effect = Self(event);
        let found = effect.size();
        if found > EFFECT_BYTES_MAX {
            return Err(EffectError::TooLarge { found });
        }
        Ok(Some(effect))
    }

    /// The fields, as an event of the kind of the act.
    #[must_use]
    pub const fn event(&self) -> &Event<'static> {
        &self.0
    }

    /// Kind of the act.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.text(column::KIND).unwrap_or_default()
    }

    /// Its size as JSON, bytes.
    pub(crate) fn size(&self) -> usize {
        Value::Object(self.to_json()).to_string().len()
    }

    /// Path to value: texts, numbers, and instants as microseconds.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let value = |cell: &Cell<'_>| match cell {
            Cell::Text(value) => Value::from(&**value),
            Cell::Int(value) => Value::from(*value),
            Cell::Float(value) => Value::from(*value),
            Cell::Time(value) => Value::from(value.micros()),
            Cell::Bool(value) => Value::from(*value),
            Cell::Bytes(_) | Cell::Texts(_) | Cell::Map(_) => {
                unreachable!("a test asserts that no field with an effect is of that type")
            }
        };
        self.0.cells().iter().map(|(id, cell)| (id.path().to_owned(), value(cell))).collect()
    }

    /// Reads what [`Self::to_json`] wrote; foreign.
    pub(crate) fn from_json(fields: &Map<String, Value>) -> Result<Self, EffectError> {
        let kind = fields.get(column::KIND.path()).and_then(Value::as_str);
        let own = kind.and_then(fields_of).ok_or(EffectError::Form)?;
        let mut event = Event::empty();
        for (path, value) in fields {
            let wrong = || EffectError::Field(path.chars().take(100).collect());
            let id = schema().id(path).filter(|id| COMMON.contains(id) || own.contains(id));
            let id = id.ok_or_else(wrong)?;
            let cell = match schema().column(id).cell_type {
                CellType::Text => value.as_str().map(|text| Cell::from(text.to_owned())),
                CellType::Int => value.as_i64().map(Cell::from),
                CellType::Float => value.as_f64().map(Cell::from),
                CellType::Time => {
                    let micros = value.as_i64().map(Timestamp::from_micros);
                    micros
                        .filter(|time| (Timestamp::EARLIEST..=Timestamp::LATEST).contains(time))
                        .map(Cell::from)
                }
                CellType::Bool => value.as_bool().map(Cell::from),
                CellType::Bytes | CellType::Texts | CellType::Map => None,
            };
            event.set(id, cell.ok_or_else(wrong)?);
        }
        Ok(Self(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_an_effect_are_simple_and_never_erased() {
        for fields in [COMMON, SUPPRESSION, MAINTENANCE, BASELINE, SUITE, VERSION, CHANGE] {
            for id in fields {
                let column = schema().column(*id);
                assert!(!column.erasable, "{}", column.path);
                let is_simple =
                    !matches!(column.cell_type, CellType::Bytes | CellType::Texts | CellType::Map);
                assert!(is_simple, "{}", column.path);
            }
        }
    }

    #[test]
    fn kinds_with_an_effect_are_known() {
        let kinds: Vec<&str> =
            schema().kinds().map(|kind| &*kind.name).filter(|kind| has_effect(kind)).collect();
        assert_eq!(kinds.len(), 17, "{kinds:?}");
        assert!(!has_effect(kind::DRIFT_ALERT_DISMISSED) && !has_effect(kind::RUN_COMPLETED));
    }
}
