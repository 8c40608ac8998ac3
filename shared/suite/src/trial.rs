//! What a check looks at: one event, and what is known of its run.

use std::borrow::Cow;
use std::sync::LazyLock;

use event::{Cell, ColumnId, Event, schema};

use crate::key::ATTRIBUTE;
use crate::runs::RunFacts;

/// Events of one kind are the trials of a suite: a pass rate has one denominator.
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
            Self::Run => "run.completed",
            Self::Model => "model.invoked",
            Self::Tool => "tool.completed",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Path of the column that holds what was produced.
    pub(crate) const fn output(self) -> &'static str {
        match self {
            Self::Run => "run.output",
            Self::Model => "model.output",
            Self::Tool => "tool.result",
        }
    }

    pub(crate) const fn duration_ms(self) -> &'static str {
        match self {
            Self::Run => "run.duration_ms",
            Self::Model => "model.duration_ms",
            Self::Tool => "tool.duration_ms",
        }
    }

    pub(crate) const fn cost_usd(self) -> Option<&'static str> {
        match self {
            Self::Run => Some("run.cost_usd"),
            Self::Model => Some("model.cost_usd"),
            Self::Tool => None,
        }
    }

    pub(crate) const fn tokens(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Run => Some(["run.input_tokens", "run.output_tokens"]),
            Self::Model => Some(["model.input_tokens", "model.output_tokens"]),
            Self::Tool => None,
        }
    }
}

/// One event under judgement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a, 'e> {
    pub(crate) event: &'a Event<'e>,
    pub(crate) kind: TrialKind,
    /// What was seen of the run before it ended; only for [`TrialKind::Run`].
    pub(crate) run: Option<&'a RunFacts>,
}

/// Where a check reads: a column, or an entry of `attributes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    path: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Column(ColumnId),
    Attribute(ColumnId),
}

impl Input {
    /// The place of a path; `None` if there is no such column.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let place = if path.starts_with(ATTRIBUTE) {
            Place::Attribute(schema().id("attributes")?)
        } else {
            Place::Column(schema().id(path)?)
        };
        Some(Self { path: path.to_owned(), place })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The text there.
    pub(crate) fn text<'e>(&self, event: &'e Event<'_>) -> Option<&'e str> {
        match self.place {
            Place::Column(column) => event.text(column),
            Place::Attribute(column) => {
                attribute(event, column, self.path.strip_prefix(ATTRIBUTE)?)
            }
        }
    }

    /// The number there, if it is finite; in attributes, text that reads as one.
    pub(crate) fn number(&self, event: &Event<'_>) -> Option<f64> {
        let number = match self.place {
            Place::Column(column) => event.number(column),
            Place::Attribute(_) => self.text(event)?.trim().parse().ok(),
        };
        number.filter(|number| number.is_finite())
    }

    /// What is said where there is nothing.
    pub(crate) fn missing(&self) -> String {
        format!("`{}` has no value", self.path)
    }
}

/// The text of an attribute.
pub(crate) fn attribute<'e>(event: &'e Event<'_>, column: ColumnId, name: &str) -> Option<&'e str> {
    let Some(Cell::Map(pairs)) = event.get(column) else { return None };
    let at = pairs.binary_search_by(|(key, _): &(Cow<'_, str>, _)| (**key).cmp(name)).ok()?;
    pairs.get(at).map(|(_, value)| &**value)
}

macro_rules! columns {
    ($($name:ident = $path:literal),* $(,)?) => {
        /// Numbers of the columns that are read, looked up once.
        #[derive(Debug)]
        pub(crate) struct Columns {
            $(pub(crate) $name: ColumnId,)*
        }

        static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
            let id = |path: &str| {
                schema().id(path).unwrap_or_else(|| panic!("schemas/events: no column {path}"))
            };
            Columns { $($name: id($path),)* }
        });
    };
}

columns! {
    agent_id = "agent_id",
    agent_version = "agent_version",
    attributes = "attributes",
    environment = "environment",
    eval_document = "eval.document",
    event_id = "event_id",
    kind = "kind",
    run_id = "run_id",
    run_steps = "run.steps",
    tenant_id = "tenant_id",
    tool_name = "tool.name",
}

pub(crate) fn columns() -> &'static Columns {
    &COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp};
    use std::collections::BTreeMap;

    #[test]
    fn every_column_exists() {
        assert_eq!(columns().kind, schema().id("kind").unwrap());
        for kind in TrialKind::ALL {
            assert_eq!(TrialKind::of(kind.name()), Some(kind));
            let paths = [kind.output(), kind.duration_ms()].into_iter();
            let paths = paths.chain(kind.cost_usd()).chain(kind.tokens().into_iter().flatten());
            assert!(paths.into_iter().all(|path| schema().id(path).is_some()), "{kind:?}");
        }
    }

    #[test]
    fn attributes_are_read_by_name_as_text_and_as_number() {
        let pairs = [("a.b", "x"), ("n", " 2.5 "), ("z", "inf")];
        let pairs: BTreeMap<String, String> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let event = EventBuilder::new("run.completed")
            .set("event_id", "e")
            .set("event_time", Timestamp::from_micros(0))
            .set("run.steps", 3_i64)
            .set("attributes", pairs)
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
