//! Applies the documents: the spans and log records of a request as events.

use std::borrow::Cow;

use event::schema::SCHEMA_VERSION;
use event::{Cell, CellType, ColumnId, Event, column, schema};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::attributes::Attributes;
use crate::compile::{self, Compiled, Rules, Target, Test};
use crate::document::{DOCUMENTS, DocumentError};
use crate::resource::Common;
use crate::source::{Inside, Source};
use crate::value;

/// Agent and version of those who say neither, as OpenTelemetry names such a service.
const UNKNOWN: &str = "unknown";
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Turns spans and log records into events.
#[derive(Debug, Clone)]
pub struct Mapper {
    rules: Rules,
}

/// An attribute that no field took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed<'a> {
    /// The mapping that does not know it.
    pub mapping: &'static str,
    /// Its name.
    pub name: &'a str,
}

/// What is being mapped: a span or a log record.
pub(crate) struct Subject<'s> {
    pub(crate) attributes: &'s [KeyValue],
    pub(crate) scope: &'s str,
    pub(crate) event: &'s str,
    pub(crate) is_root: bool,
    /// The kind of a span; empty for a log record.
    pub(crate) span_kind: &'static str,
    /// The name of a span; empty for a log record.
    pub(crate) name: &'s str,
}

/// The attributes of a subject by the numbers of their names; kept between subjects.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Place of the attribute plus one; 0 where there is none.
    places: Vec<u16>,
    taken: Vec<bool>,
}

/// An event that is being made.
pub(crate) struct Made<'s> {
    pub(crate) rule: &'s Compiled,
    pub(crate) event: Event<'s>,
    /// The agent, for the identifier.
    pub(crate) agent: Cow<'s, str>,
}

/// Checks a document by itself, as it would stand below those that ship with the product.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), DocumentError> {
    compile::compile(&[("own", text)]).map(drop)
}

impl Mapper {
    /// The mapper of the documents that ship with the product.
    ///
    /// # Errors
    ///
    /// A document is invalid; a test sees to it that none is.
    pub fn new() -> Result<Self, DocumentError> {
        Self::of(&DOCUMENTS)
    }

    pub(crate) fn of(documents: &[(&'static str, &str)]) -> Result<Self, DocumentError> {
        Ok(Self { rules: compile::compile(documents)? })
    }

    /// The same, but that these places name the agent, whatever the convention; none: as before.
    ///
    /// # Errors
    ///
    /// One of them is no source.
    pub fn with_agent(mut self, places: &[String]) -> Result<Self, DocumentError> {
        if !places.is_empty() {
            self.rules.set_agent(places)?;
        }
        Ok(self)
    }

    /// The mappings in the order in which they are tried: their names, and the conventions that they
    /// know.
    pub fn conventions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.rules.conventions.iter().map(|(name, convention)| (*name, convention.as_str()))
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The event of a subject, with the fields that its document gives it. `None` if no rule takes it.
    pub(crate) fn make<'s>(
        &'s self,
        rules: &'s [Compiled],
        subject: &Subject<'s>,
        common: &Common<'s>,
        slots: &mut Slots,
    ) -> Option<Made<'s>> {
        slots.fill(subject.attributes, &self.rules);
        let holds = |test: &Test| slots.holds(test, subject);
        let rule = rules.iter().find(|rule| rule.when.iter().all(holds))?;
        let mut event = Event::empty();
        for field in &rule.fields {
            if let Some(cell) = slots.cell(field, subject, common) {
                event.set(field.column, cell);
            }
        }
        event.set(column::KIND, Cell::Text(Cow::Borrowed(&rule.kind)));
        event.set(column::SCHEMA_VERSION, Cell::Int(SCHEMA_VERSION));
        let (agent, _) = slots
            .first(&rule.agent, subject, common)
            .unwrap_or((Cow::Borrowed(UNKNOWN_SERVICE), ""));
        let (version, by) = slots
            .first(&rule.version, subject, common)
            .unwrap_or((Cow::Borrowed(UNKNOWN), UNKNOWN));
        event.set(column::AGENT_ID, Cell::Text(agent.clone()));
        event.set(column::AGENT_VERSION, Cell::Text(version));
        event.set(column::VERSION_RULE, Cell::Text(Cow::Borrowed(by)));
        Some(Made { rule, event, agent })
    }
}

impl<'s> Made<'s> {
    /// Sets run, span and parent, as far as there are any.
    pub(crate) fn trace(&mut self, ids: &Ids) {
        for (column, id) in [
            (column::RUN_ID, &ids.trace),
            (column::SPAN_ID, &ids.span),
            (column::PARENT_SPAN_ID, &ids.parent),
        ] {
            if !id.is_empty() {
                self.event.set(column, Cell::from(id.clone()));
            }
        }
    }

    /// Sets a text column that its document did not fill.
    pub(crate) fn fill(&mut self, column: Option<ColumnId>, text: Option<Cow<'s, str>>) {
        let (Some(column), Some(text)) = (column, text) else { return };
        if self.event.get(column).is_none() && schema().column(column).cell_type == CellType::Text {
            self.event.set(column, Cell::Text(text));
        }
    }

    /// The event, with its identifier and with everything that no field took.
    pub(crate) fn finish(
        mut self,
        id: String,
        mut attributes: Attributes<'s>,
        common: &'s [(String, String)],
    ) -> Event<'s> {
        attributes.extend(common);
        attributes.add("otel.mapping", self.rule.mapping);
        self.event.set(column::EVENT_ID, Cell::from(id));
        if let Some(cell) = attributes.into_cell() {
            self.event.set(column::ATTRIBUTES, cell);
        }
        self.event
    }
}

/// Identifiers of a trace in lower-case hexadecimal digits; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) parent: String,
}

impl Ids {
    pub(crate) fn of(trace: &[u8], span: &[u8], parent: &[u8]) -> Self {
        Self { trace: hex(trace), span: hex(span), parent: hex(parent) }
    }
}

/// An identifier; one of zeros is none.
fn hex(id: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    if id.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied();
    id.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

impl Slots {
    fn fill(&mut self, attributes: &[KeyValue], rules: &Rules) {
        self.places.clear();
        self.places.resize(rules.of_spans.len(), 0);
        self.taken.clear();
        self.taken.resize(attributes.len(), false);
        for (place, attribute) in (1..=u16::MAX).zip(attributes) {
            if let Some(number) = rules.of_spans.get(&attribute.key)
                && value::of(attribute).is_some()
                && let Some(slot @ 0) = self.places.get_mut(usize::from(number))
            {
                *slot = place;
            }
        }
    }

    fn place(&self, number: u16) -> Option<usize> {
        usize::from(*self.places.get(usize::from(number))?).checked_sub(1)
    }

    fn holds(&self, test: &Test, subject: &Subject<'_>) -> bool {
        let text = |number: u16| {
            let value = value::of(subject.attributes.get(self.place(number)?)?)?;
            Some(value::text(value))
        };
        match test {
            Test::Present(number, wanted) => self.place(*number).is_some() == *wanted,
            Test::In(number, texts) => text(*number)
                .is_some_and(|text| texts.iter().any(|one| one.eq_ignore_ascii_case(&text))),
            Test::SpanKind(kinds) => kinds.iter().any(|kind| kind == subject.span_kind),
            Test::Root(wanted) => subject.is_root == *wanted,
            Test::Event(name) => subject.event == name,
            Test::Scope(beginning) => subject.scope.starts_with(beginning.as_str()),
        }
    }

    /// The value of a source as `read` takes it, and the place of the attribute that it is.
    fn read<'s, T>(
        &self,
        source: &Source,
        (subject, common): (&Subject<'s>, &Common<'s>),
        whole: impl FnOnce(&'s Value) -> Option<T>,
        part: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<(T, Option<usize>)> {
        if source.is_span_name {
            return Some((part(&Value::StringValue(subject.name.to_owned()))?, None));
        }
        let (found, place) = if source.of_resource {
            (common.get(source.number)?, None)
        } else {
            let place = self.place(source.number)?;
            (value::of(subject.attributes.get(place)?)?, Some(place))
        };
        match source.inside(found) {
            Inside::Nothing => None,
            Inside::Value(value) => Some((part(&value)?, None)),
            Inside::Whole => Some((whole(found)?, place)),
        }
    }

    fn take(&mut self, place: Option<usize>) {
        if let Some(taken) = place.and_then(|place| self.taken.get_mut(place)) {
            *taken = true;
        }
    }

    /// The value of a field: of its sources the first one that is such a value.
    fn cell<'s>(
        &mut self,
        field: &'s Target,
        subject: &Subject<'s>,
        common: &Common<'s>,
    ) -> Option<Cell<'s>> {
        for source in &field.from {
            let part = |value: &Value| field.cell(value).map(Cell::into_owned);
            let read = self.read(source, (subject, common), |value| field.cell(value), part);
            let Some((cell, place)) = read else { continue };
            // A text that was replaced is kept as it was written.
            self.take(place.filter(|_| field.map.is_none()));
            return Some(cell);
        }
        None
    }

    /// The first text that is not empty, and the name of its attribute.
    fn first<'s>(
        &mut self,
        sources: &'s [Source],
        subject: &Subject<'s>,
        common: &Common<'s>,
    ) -> Option<(Cow<'s, str>, &'s str)> {
        for source in sources {
            let some = |text: Cow<'s, str>| (!text.is_empty()).then_some(text);
            let part = |value: &Value| some(Cow::Owned(value::text(value).into_owned()));
            let read = self.read(source, (subject, common), |value| some(value::text(value)), part);
            let Some((text, place)) = read else { continue };
            self.take(place);
            return Some((text, &source.name));
        }
        None
    }

    /// The attributes that no field took.
    pub(crate) fn rest<'s>(
        &self,
        attributes: &'s [KeyValue],
    ) -> impl Iterator<Item = &'s KeyValue> {
        let taken = self.taken.iter().copied().chain(std::iter::repeat(false));
        attributes.iter().zip(taken).filter(|(_, taken)| !taken).map(|(attribute, _)| attribute)
    }
}

impl Target {
    fn cell<'s>(&self, value: &'s Value) -> Option<Cell<'s>> {
        let Some(map) = &self.map else { return value::cell(value, self.cell_type) };
        let text = map.get(&value::text(value).to_lowercase())?;
        value::cell(&Value::StringValue(text.clone()), self.cell_type).map(Cell::into_owned)
    }
}
