//! JSON: a visitor that knows the plan, so that a value meets its column as it is read.
//!
//! Stricter than usual: a member that repeats is a fault at any depth, since readers disagree on
//! which one counts. `null` is no value. Members without a column become attributes: text as it
//! is, anything else as the compact text of exactly what was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::assemble::{Assembly, Place, Scalar, escape, wanted, wrong_type};
use super::malformed;
use super::raw::{Loose, loose};
use super::{Fault, Reason};
use crate::cell::{Cell, CellType};
use crate::column;
use crate::event::Event;
use crate::plan::{Entry, Field, Group, plan};
use crate::schema::ColumnId;

/// The byte order mark of UTF-8, which some editors and libraries write before a text.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A text, and how many bytes of the value come before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) skipped: usize,
}

/// The text of a value, without a byte order mark, if the bytes are UTF-8.
pub(super) fn text(value: &[u8]) -> Result<Text<'_>, Fault> {
    let rest = value.strip_prefix(MARK);
    let skipped = rest.map_or(0, |_| MARK.len());
    match std::str::from_utf8(rest.unwrap_or(value)) {
        Ok(text) => Ok(Text { text, skipped }),
        Err(error) => Err(Fault {
            reason: Reason::InvalidUtf8,
            pointer: format!("byte {}", error.valid_up_to() + skipped),
            detail: "text that is not UTF-8".into(),
        }),
    }
}

/// The event that is the whole text.
pub(super) fn decode(text: Text<'_>) -> Result<Event<'_>, Fault> {
    let mut context = Context::new("");
    context.read(text, Target::Event)?;
    context.assembly.finish("")
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

/// A document being read.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) assembly: Assembly<'a>,
    /// Pointer of the event inside the document.
    prefix: &'static str,
    /// The fault, where an error of serde is only the way out.
    fault: Option<Fault>,
    /// Fields that were written as one dotted name, such as `run.status`.
    dotted: Vec<ColumnId>,
    /// What a CloudEvent holds.
    pub(super) data: Data<'a>,
}

/// The data of a CloudEvent.
#[derive(Debug, Default)]
pub(super) enum Data<'a> {
    #[default]
    Absent,
    /// A member `data`; it is read.
    Json,
    /// A member `data_base64`, still encoded.
    Base64(Cow<'a, str>),
}

impl<'a> Context<'a> {
    pub(super) fn new(prefix: &'static str) -> Self {
        let (assembly, dotted) = (Assembly::new(), Vec::new());
        Self { assembly, prefix, fault: None, dotted, data: Data::default() }
    }

    pub(super) fn read(&mut self, from: Text<'a>, target: Target) -> Result<(), Fault> {
        let Text { text, skipped } = from;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Read { context: self, target }
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end());
        read.map_err(|error| {
            self.fault.take().unwrap_or_else(|| malformed::fault(text, skipped, &error))
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

/// What the value being read is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
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
        match self.target {
            Target::Field(field) if field.cell_type == CellType::Float => {
                let raw: &RawValue = de::Deserialize::deserialize(deserializer)?;
                self.number(field, raw)
            }
            Target::Event | Target::CloudEvent | Target::Group(_) | Target::Field(_) => {
                deserializer.deserialize_any(self)
            }
        }
    }
}

impl<'a> Read<'_, 'a> {
    /// A value of a column of floats, from its text: serde would round it before anybody sees what was
    /// sent.
    fn number<E: de::Error>(self, field: &'static Field, raw: &'a RawValue) -> Result<(), E> {
        let text = raw.get();
        let (text, found) = match text.as_bytes().first() {
            Some(b'n') => return Ok(()),
            Some(b't' | b'f') => return Err(self.wrong("a boolean")),
            Some(b'[') => return Err(self.wrong("a list")),
            Some(b'{') => return Err(self.wrong("an object")),
            Some(b'"') => match loose(raw) {
                Ok(value) => (value.into_text().unwrap_or_default(), "text that is no number"),
                Err(detail) => {
                    let pointer = self.pointer();
                    return Err(self.context.malformed(pointer, detail));
                }
            },
            Some(_) | None => (Cow::Borrowed(text), "a number"),
        };
        let set = self.context.assembly.decimal(field, text, self.context.prefix, found);
        set.map_err(|fault| self.context.fail(fault))
    }

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
        let put = self.context.assembly.put(field, scalar, self.context.prefix);
        put.map_err(|fault| self.context.fail(fault))
    }

    fn event<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let mut seen = Seen::default();
        while let Some(Key(key)) = members.next_key()? {
            let Some((index, entry)) = plan().entry(&key) else {
                match plan().dotted(&key) {
                    Some(field) => self.context.dotted(field, &mut members)?,
                    None => self.context.unknown(None, key, &mut members)?,
                }
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
            let is_dotted = self.context.dotted.contains(&field.id);
            if !seen.insert(index) || (is_dotted && self.context.assembly.has_value(field)) {
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
            let is_first = matches!(self.context.data, Data::Absent);
            if matches!(&*key, "data" | "data_base64") && !is_first {
                return Err(self.context.repeats(format!("/{key}")));
            }
            if key == "data" {
                self.context.data = Data::Json;
                let target = Target::Event;
                members.next_value_seed(Read { context: &mut *self.context, target })?;
                continue;
            }
            let pointer = format!("/{}", escape(&key));
            let value = self.context.loose(&pointer, members.next_value()?)?;
            if key == "data_base64" {
                let Loose::Text(text) = value else {
                    let fault = wrong_type(pointer, "base64 text", "another value");
                    return Err(self.context.fail(fault));
                };
                self.context.data = Data::Base64(text);
                continue;
            }
            let path = Cow::Owned(format!("ce_{key}"));
            self.context.assembly.attribute(path, value.into_text(), Place::Top);
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
    /// Reads the value of a field that is written as one dotted name.
    fn dotted<M: MapAccess<'a>>(
        &mut self,
        field: &'static Field,
        members: &mut M,
    ) -> Result<(), M::Error> {
        let pointer = || format!("{}/{}", self.prefix, field.id.path());
        if self.assembly.has_value(field) || self.dotted.contains(&field.id) {
            return Err(self.repeats(pointer()));
        }
        self.dotted.push(field.id);
        let pointer = pointer();
        let read = members.next_value_seed(Read { context: self, target: Target::Field(field) });
        if read.is_err()
            && let Some(fault) = &mut self.fault
            && let Some(after) = fault.pointer.strip_prefix(self.prefix)
            && let Some(after) = after.strip_prefix(field.pointer.as_str())
        {
            fault.pointer = format!("{pointer}{after}");
        }
        read
    }

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
