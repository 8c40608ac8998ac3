//! JSON: a visitor that knows the plan, so that a value meets its column as it is read.
//!
//! Stricter than usual: a member that repeats is a fault at any depth, since readers disagree on
//! which one counts. `null` is no value. Members without a column become attributes: text as it
//! is, anything else as the compact text of exactly what was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::assemble::{Assembly, Place, Scalar, cell, escape, wanted, wrong_type};
use super::raw::{Loose, loose};
use super::{Fault, Reason};
use crate::cell::{Cell, CellType};
use crate::column;
use crate::event::Event;
use crate::plan::{Entry, Field, Group, plan};
use crate::time::Timestamp;

/// Text, if the bytes are UTF-8.
pub(super) fn text(value: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(value).map_err(|error| Fault {
        reason: Reason::InvalidUtf8,
        pointer: format!("byte {}", error.valid_up_to()),
        detail: "text that is not UTF-8".into(),
    })
}

/// The event that is the whole text.
pub(super) fn decode(text: &str) -> Result<Event<'_>, Fault> {
    let mut context = Context::new("");
    context.read(text, Target::Event)?;
    context.assembly.finish("")
}

/// The event in a CloudEvent of structured mode: `data` is the event; the other members describe
/// it and become attributes with the prefix `ce_`.
pub(super) fn decode_cloud_event(text: &str) -> Result<Event<'_>, Fault> {
    let mut context = Context::new("/data");
    context.read(text, Target::CloudEvent)?;
    if !context.has_data {
        return Err(Fault {
            reason: Reason::MissingField,
            pointer: "/data".into(),
            detail: "a CloudEvent without data".into(),
        });
    }
    fill_from_cloud_event(&mut context.assembly);
    context.assembly.finish("/data")
}

/// The event in the value of a CloudEvent of binary mode, whose context is in headers.
pub(super) fn decode_binary_cloud_event<'a>(
    text: &'a str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Event<'a>, Fault> {
    let mut context = Context::new("");
    context.read(text, Target::Event)?;
    let mut seen = Vec::new();
    for (name, value) in headers {
        // Kafka allows a header to repeat; the last one counts.
        seen.retain(|(earlier, _)| *earlier != name);
        seen.push((name, value));
    }
    for (name, value) in seen {
        context.assembly.attribute(Cow::Borrowed(name), Some(Cow::Borrowed(value)), Place::Top);
    }
    fill_from_cloud_event(&mut context.assembly);
    context.assembly.finish("")
}

/// Where the data itself says nothing, the CloudEvent's type, id and time are the event's.
fn fill_from_cloud_event(assembly: &mut Assembly<'_>) {
    for (attribute, column) in [("ce_type", column::KIND), ("ce_id", column::EVENT_ID)] {
        if let Some(text) = assembly.attribute_text(attribute)
            && !assembly.has(column)
        {
            assembly.set_column(column, Cell::Text(text));
        }
    }
    let time = assembly.attribute_text("ce_time").and_then(|text| Timestamp::parse_rfc3339(&text));
    if let Some(time) = time
        && !assembly.has(column::EVENT_TIME)
    {
        assembly.set_column(column::EVENT_TIME, Cell::Time(time));
    }
}

/// Members of the outer object or of a group that have been read; 256 are enough for both, which
/// a test of the schema's size checks.
#[derive(Debug, Default)]
struct Seen([u64; 4]);

impl Seen {
    /// False if it was seen before.
    fn insert(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index / 64) else { return true };
        let bit = 1_u64 << (index % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

#[derive(Debug)]
struct Context<'a> {
    assembly: Assembly<'a>,
    /// Pointer of the event inside the document.
    prefix: &'static str,
    /// The fault, where an error of serde is only the way out.
    fault: Option<Fault>,
    has_data: bool,
}

impl<'a> Context<'a> {
    fn new(prefix: &'static str) -> Self {
        Self { assembly: Assembly::new(), prefix, fault: None, has_data: false }
    }

    fn read(&mut self, text: &'a str, target: Target) -> Result<(), Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Read { context: self, target }
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end());
        read.map_err(|error| match self.fault.take() {
            Some(fault) => fault,
            None => Fault {
                reason: Reason::InvalidJson,
                pointer: format!("byte {}", position(text, &error)),
                detail: describe(&error).into(),
            },
        })
    }

    #[cold]
    fn fail<E: de::Error>(&mut self, fault: Fault) -> E {
        self.fault.get_or_insert(fault);
        E::custom("")
    }

    #[cold]
    fn repeats<E: de::Error>(&mut self, pointer: String) -> E {
        let detail = "a member repeats".into();
        self.fail(Fault { reason: Reason::InvalidJson, pointer, detail })
    }
}

/// Byte position of an error.
fn position(text: &str, error: &serde_json::Error) -> usize {
    let line = error.line().saturating_sub(1);
    let begin: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    begin.saturating_add(error.column().saturating_sub(1)).min(text.len())
}

/// What is wrong with the text. The message of serde_json may quote it, so it is not used.
fn describe(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "the text ends too early",
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Data => "not well-formed JSON",
    }
}

/// What the value being read is for.
#[derive(Debug, Clone, Copy)]
enum Target {
    Event,
    CloudEvent,
    Group(&'static Group),
    Field(&'static Field),
}

struct Read<'c, 'a> {
    context: &'c mut Context<'a>,
    target: Target,
}

impl<'a> DeserializeSeed<'a> for Read<'_, 'a> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Read<'_, 'a> {
    fn pointer(&self) -> String {
        let prefix = self.context.prefix;
        match self.target {
            Target::Event => prefix.to_owned(),
            Target::CloudEvent => String::new(),
            Target::Group(group) => format!("{prefix}/{}", group.name),
            Target::Field(field) => format!("{prefix}{}", field.pointer),
        }
    }

    #[cold]
    fn wrong<E: de::Error>(self, found: &str) -> E {
        let wanted = match self.target {
            Target::Event | Target::CloudEvent | Target::Group(_) => "an object",
            Target::Field(field) => wanted(field.cell_type),
        };
        let fault = wrong_type(self.pointer(), wanted, found);
        self.context.fail(fault)
    }

    fn scalar<E: de::Error>(self, scalar: Scalar<'a>, found: &str) -> Result<(), E> {
        let Target::Field(field) = self.target else { return Err(self.wrong(found)) };
        match cell(field, scalar, self.context.prefix) {
            Ok(cell) => {
                self.context.assembly.set(field, cell);
                Ok(())
            }
            Err(fault) => Err(self.context.fail(fault)),
        }
    }

    fn event<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let mut seen = Seen::default();
        while let Some(Key(key)) = members.next_key()? {
            let Some((index, entry)) = plan().entry(&key) else {
                self.context.unknown(None, key, &mut members)?;
                continue;
            };
            if !seen.insert(index) {
                let pointer = format!("{}/{key}", self.context.prefix);
                return Err(self.context.repeats(pointer));
            }
            let target = match entry {
                Entry::Field(field) => Target::Field(field),
                Entry::Group(group) => Target::Group(group),
            };
            members.next_value_seed(Read { context: &mut *self.context, target })?;
        }
        Ok(())
    }

    fn group<M: MapAccess<'a>>(
        self,
        group: &'static Group,
        mut members: M,
    ) -> Result<(), M::Error> {
        let mut seen = Seen::default();
        while let Some(Key(key)) = members.next_key()? {
            let Some((index, field)) = group.field(&key) else {
                self.context.unknown(Some(group.name), key, &mut members)?;
                continue;
            };
            if !seen.insert(index) {
                let pointer = format!("{}{}", self.context.prefix, field.pointer);
                return Err(self.context.repeats(pointer));
            }
            let target = Target::Field(field);
            members.next_value_seed(Read { context: &mut *self.context, target })?;
        }
        Ok(())
    }

    fn cloud_event<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(Key(key)) = members.next_key()? {
            if key == "data" {
                if self.context.has_data {
                    return Err(self.context.repeats("/data".into()));
                }
                self.context.has_data = true;
                let target = Target::Event;
                members.next_value_seed(Read { context: &mut *self.context, target })?;
            } else {
                let pointer = format!("/{}", escape(&key));
                let value = self.context.loose(&pointer, members.next_value()?)?;
                let path = Cow::Owned(format!("ce_{key}"));
                self.context.assembly.attribute(path, value.into_text(), Place::Top);
            }
        }
        Ok(())
    }

    fn map<M: MapAccess<'a>>(self, field: &'static Field, mut members: M) -> Result<(), M::Error> {
        let is_attributes = field.id == column::ATTRIBUTES.id();
        if is_attributes {
            self.context.assembly.begin_attributes();
        }
        let prefix = self.context.prefix;
        let pointer_of = |key: &str| format!("{prefix}{}/{}", field.pointer, escape(key));
        let mut pairs = Vec::new();
        while let Some(Key(key)) = members.next_key()? {
            let raw = members.next_value()?;
            let text = match loose(raw) {
                Ok(value) => value.into_text(),
                Err(detail) => return Err(self.context.malformed(pointer_of(&key), detail)),
            };
            if is_attributes {
                self.context.assembly.attribute(key, text, Place::Map);
            } else {
                pairs.push((key, text));
            }
        }
        if !is_attributes {
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            let repeated = pairs.windows(2).find_map(|pair| match pair {
                [(a, _), (b, _)] if a == b => Some(pointer_of(b)),
                _ => None,
            });
            if let Some(pointer) = repeated {
                return Err(self.context.repeats(pointer));
            }
            let pairs = pairs.into_iter().filter_map(|(key, text)| Some((key, text?))).collect();
            self.context.assembly.set(field, Cell::Map(pairs));
        }
        Ok(())
    }
}

impl<'a> Context<'a> {
    /// Keeps a member that has no column as an attribute.
    fn unknown<M: MapAccess<'a>>(
        &mut self,
        group: Option<&str>,
        key: Cow<'a, str>,
        members: &mut M,
    ) -> Result<(), M::Error> {
        let raw: &RawValue = members.next_value()?;
        let (path, place) = match group {
            None => (key, Place::Top),
            Some(group) => (Cow::Owned(format!("{group}.{key}")), Place::Group(group.len())),
        };
        match loose(raw) {
            Ok(value) => self.assembly.attribute(path, value.into_text(), place),
            Err(detail) => {
                let name = group.and_then(|group| path.get(group.len() + 1..)).unwrap_or(&path);
                let group = group.map(|group| format!("/{group}")).unwrap_or_default();
                let pointer = format!("{}{group}/{}", self.prefix, escape(name));
                return Err(self.malformed(pointer, detail));
            }
        }
        Ok(())
    }

    fn loose<E: de::Error>(&mut self, pointer: &str, raw: &'a RawValue) -> Result<Loose<'a>, E> {
        loose(raw).map_err(|detail| self.malformed(pointer.to_owned(), detail))
    }

    #[cold]
    fn malformed<E: de::Error>(&mut self, pointer: String, detail: &str) -> E {
        self.fail(Fault { reason: Reason::InvalidJson, pointer, detail: detail.into() })
    }
}

impl<'a> Visitor<'a> for Read<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of an event")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value), "a boolean")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Int(value), "a number")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        let scalar = i64::try_from(value).map_or(Scalar::Unsigned(value), Scalar::Int);
        self.scalar(scalar, "a number")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Float(value), "a number")
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'a str) -> Result<(), E> {
        self.scalar(Scalar::Text(Cow::Borrowed(value)), "text")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(Cow::Owned(value.to_owned())), "text")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        match self.target {
            Target::Group(_) | Target::Field(_) => Ok(()),
            Target::Event | Target::CloudEvent => Err(self.wrong("null")),
        }
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let Target::Field(field) = self.target else { return Err(self.wrong("a list")) };
        if field.cell_type != CellType::Texts {
            return Err(self.wrong("a list"));
        }
        let mut texts = Vec::new();
        while let Some(raw) = items.next_element::<&RawValue>()? {
            let pointer = format_args!("{}{}/{}", self.context.prefix, field.pointer, texts.len());
            match loose(raw) {
                Ok(Loose::Text(text)) => texts.push(text),
                Ok(Loose::Null) => {
                    let fault = wrong_type(pointer.to_string(), "text", "null");
                    return Err(self.context.fail(fault));
                }
                Ok(Loose::Json(_)) => {
                    let fault = wrong_type(pointer.to_string(), "text", "another value");
                    return Err(self.context.fail(fault));
                }
                Err(detail) => {
                    let pointer = pointer.to_string();
                    return Err(self.context.malformed(pointer, detail));
                }
            }
        }
        self.context.assembly.set(field, Cell::Texts(texts));
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, members: M) -> Result<(), M::Error> {
        match self.target {
            Target::Event => self.event(members),
            Target::CloudEvent => self.cloud_event(members),
            Target::Group(group) => self.group(group, members),
            Target::Field(field) if field.cell_type == CellType::Map => self.map(field, members),
            Target::Field(_) => Err(self.wrong("an object")),
        }
    }
}

/// A member's name, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'a> de::Deserialize<'a> for Key<'a> {
    fn deserialize<D: de::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        super::raw::borrowed_text(deserializer).map(Self)
    }
}
