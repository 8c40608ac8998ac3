//! The input of a check: one event, and what is known of its run.

use std::borrow::Cow;

use event::typed::{Float, Int, Text};
use event::{ColumnId, Event, TypedColumn, column, kind, schema};

use crate::key::ATTRIBUTE;
use crate::runs::RunFacts;

/// The kind of a suite's trials. A suite has only one, so that its pass rate has one denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialKind {
    /// `run.completed`.
    Run,
    /// `model.invoked`.
    Model,
    /// `tool.completed`.
    Tool,
}

impl TrialKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Run, Self::Model, Self::Tool];

    /// The kind of the events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => kind::RUN_COMPLETED,
            Self::Model => kind::MODEL_INVOKED,
            Self::Tool => kind::TOOL_COMPLETED,
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The column with the output.
    pub(crate) const fn output(self) -> TypedColumn<Text> {
        match self {
            Self::Run => column::run::OUTPUT,
            Self::Model => column::model::OUTPUT,
            Self::Tool => column::tool::RESULT,
        }
    }

    pub(crate) const fn duration_ms(self) -> TypedColumn<Float> {
        match self {
            Self::Run => column::run::DURATION_MS,
            Self::Model => column::model::DURATION_MS,
            Self::Tool => column::tool::DURATION_MS,
        }
    }

    pub(crate) const fn cost_usd(self) -> Option<TypedColumn<Float>> {
        match self {
            Self::Run => Some(column::run::COST_USD),
            Self::Model => Some(column::model::COST_USD),
            Self::Tool => None,
        }
    }

    pub(crate) const fn tokens(self) -> Option<[TypedColumn<Int>; 2]> {
        match self {
            Self::Run => Some([column::run::INPUT_TOKENS, column::run::OUTPUT_TOKENS]),
            Self::Model => Some([column::model::INPUT_TOKENS, column::model::OUTPUT_TOKENS]),
            Self::Tool => None,
        }
    }
}

/// One event under judgement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a, 'e> {
    pub(crate) event: &'a Event<'e>,
    pub(crate) kind: TrialKind,
    /// What was recorded of the run before it ended; only for [`TrialKind::Run`].
    pub(crate) run: Option<&'a RunFacts>,
}

/// The input of a check: a column, or an entry of `attributes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    path: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Column(ColumnId),
    Attribute,
}

impl Input {
    /// The input at a path; `None` if there is no such column.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let place = if path.starts_with(ATTRIBUTE) {
            Place::Attribute
        } else {
            Place::Column(schema().id(path)?)
        };
        Some(Self { path: path.to_owned(), place })
    }

    /// The input in a column.
    pub(crate) fn of(column: impl Into<ColumnId>) -> Self {
        let column = column.into();
        Self { path: column.path().to_owned(), place: Place::Column(column) }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Its text in an event.
    pub(crate) fn text<'e>(&self, event: &'e Event<'_>) -> Option<&'e str> {
        match self.place {
            Place::Column(column) => event.get(column)?.as_text(),
            Place::Attribute => attribute(event, self.path.strip_prefix(ATTRIBUTE)?),
        }
    }

    /// Its number in an event, if it is finite; the text of an attribute is parsed as a number.
    pub(crate) fn number(&self, event: &Event<'_>) -> Option<f64> {
        let number = match self.place {
            Place::Column(column) => event.get(column)?.as_number(),
            Place::Attribute => self.text(event)?.trim().parse().ok(),
        };
        number.filter(|number| number.is_finite())
    }

    /// Message for an event without a value.
    pub(crate) fn missing(&self) -> String {
        format!("`{}` has no value", self.path)
    }
}

/// The text of an attribute.
pub(crate) fn attribute<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e str> {
    let pairs = event.map(column::ATTRIBUTES);
    let at = pairs.binary_search_by(|(key, _): &(Cow<'_, str>, _)| (**key).cmp(name)).ok()?;
    pairs.get(at).map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp};
    use std::collections::BTreeMap;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in TrialKind::ALL {
            assert_eq!(TrialKind::of(kind.name()), Some(kind));
        }
    }

    #[test]
    fn attributes_are_read_by_name_as_text_and_as_number() {
        let pairs = [("a.b", "x"), ("n", " 2.5 "), ("z", "inf")];
        let pairs: BTreeMap<String, String> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let event = EventBuilder::new(kind::RUN_COMPLETED)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .set(column::run::STEPS, 3_i64)
            .set(column::ATTRIBUTES, pairs)
            .build()
            .unwrap();
        let input = |path| Input::parse(path).unwrap();
        assert_eq!(input("attributes.a.b").text(&event), Some("x"));
        assert_eq!(input("attributes.n").number(&event), Some(2.5));
        assert_eq!(input("attributes.z").number(&event), None);
        assert_eq!(input("attributes.q").text(&event), None);
        assert_eq!(input("run.steps").number(&event), Some(3.0));
        assert_eq!(Input::parse("run.nothing"), None);
    }
}
