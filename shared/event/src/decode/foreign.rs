//! Avro written with any other registered schema: fields are found by name, as in JSON.
//!
//! apache-avro parses the schema; the data is read here, because its reader trusts counts and
//! lengths up to hundreds of megabytes and we must not. Text and bytes are borrowed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use apache_avro::Schema as Parsed;
use apache_avro::schema::{InnerDecimalSchema, UuidSchema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::assemble::{Assembly, Place, Scalar, wanted, wrong_type};
use super::avro::{Reader, sort_keys};
use super::{Fault, Reason, unscaled};
use crate::cell::{Cell, CellType};
use crate::column;
use crate::event::Event;
use crate::plan::{Entry, Field, Group, plan};
use crate::time::Timestamp;

/// Values nested deeper are a fault: a schema may refer to itself.
const DEPTH_MAX: usize = 64;

/// A schema, compiled for reading.
#[derive(Debug)]
pub(super) struct Schema {
    root: Type,
    named: Vec<Type>,
}

#[derive(Debug, Clone)]
enum Type {
    Null,
    Bool,
    /// `int` and `long`.
    Int,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    /// An unscaled integer in bytes, of a size if it is fixed; and how many of its digits are behind
    /// the point.
    Decimal(Box<Unscaled>),
    Enum(Vec<String>),
    /// An instant; how many microseconds a unit is, or how many units a microsecond.
    Time(Scale),
    List(Box<Self>),
    Map(Box<Self>),
    Union(Vec<Self>),
    Record(Vec<(Arc<str>, Self)>),
    /// A named type, by its number.
    Named(usize),
}

/// How a decimal is written.
#[derive(Debug, Clone, Copy)]
struct Unscaled {
    size: Option<usize>,
    scale: usize,
}

#[derive(Debug, Clone, Copy)]
enum Scale {
    Millis,
    Micros,
    Nanos,
}

/// A value, read and not yet judged.
#[derive(Debug)]
enum Value<'a> {
    Null,
    Scalar(Scalar<'a>),
    List(Vec<Self>),
    Object(Vec<(Name<'a>, Self)>),
}

/// Name of a member. Most fields of most events are null: copying the name of each would cost more
/// than reading all values.
#[derive(Debug)]
enum Name<'a> {
    /// Of a field of the schema.
    Schema(Arc<str>),
    /// A key of a map.
    Data(&'a str),
}

impl Deref for Name<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Schema(name) => name,
            Self::Data(name) => name,
        }
    }
}

impl<'a> Name<'a> {
    fn into_cow(self) -> Cow<'a, str> {
        match self {
            Self::Schema(name) => Cow::Owned(name.as_ref().to_owned()),
            Self::Data(name) => Cow::Borrowed(name),
        }
    }
}

/// Members of a record, and their values.
type Members<'a> = Vec<(Name<'a>, Value<'a>)>;

impl Schema {
    /// Compiles a record schema.
    pub(super) fn compile(parsed: &Parsed) -> Result<Self, String> {
        if !matches!(parsed, Parsed::Record(_)) {
            return Err("an event's schema must be a record".into());
        }
        let mut names = Names::default();
        let root = names.compile(parsed, None)?;
        let named = names.types.into_iter().collect::<Option<Vec<_>>>();
        Ok(Self { root, named: named.ok_or("a named type is never defined")? })
    }

    /// Decodes a bare datum of this schema.
    pub(super) fn decode<'a>(&self, datum: &'a [u8]) -> Result<Event<'a>, Fault> {
        let mut reader = Reader::new(datum);
        let members = self.members(&mut reader)?;
        reader.end()?;
        assemble(members)
    }

    /// Decodes the first datum of several, and takes its bytes off, even if it is not an event.
    pub(super) fn decode_first<'a>(&self, data: &mut &'a [u8]) -> Result<Event<'a>, Fault> {
        let mut reader = Reader::new(data);
        let members = self.members(&mut reader)?;
        *data = reader.rest();
        assemble(members)
    }

    fn members<'a>(&self, reader: &mut Reader<'a>) -> Result<Members<'a>, Fault> {
        let value = self.value(&self.root, reader, 0)?;
        let Value::Object(members) = value else {
            return Err(wrong_type(String::new(), "an object", "another value"));
        };
        Ok(members)
    }

    fn value<'a>(
        &self,
        of: &Type,
        reader: &mut Reader<'a>,
        depth: usize,
    ) -> Result<Value<'a>, Fault> {
        if depth > DEPTH_MAX {
            return Err(reader.fault("values nested too deeply"));
        }
        let next = depth.saturating_add(1);
        Ok(Value::Scalar(match of {
            Type::Null => return Ok(Value::Null),
            Type::Bool => Scalar::Bool(reader.boolean()?),
            Type::Int => Scalar::Int(reader.long()?),
            Type::Float => Scalar::Float(f64::from(f32::from_le_bytes(reader.array()?))),
            Type::Double => Scalar::Float(f64::from_le_bytes(reader.array()?)),
            Type::Bytes => Scalar::Bytes(reader.bytes()?),
            Type::Text => Scalar::Text(Cow::Borrowed(reader.text()?)),
            Type::Fixed(size) => Scalar::Bytes(reader.take(*size)?),
            Type::Decimal(of) => return decimal(of, reader),
            Type::Enum(symbols) => {
                let symbol = usize::try_from(reader.long()?).ok().and_then(|at| symbols.get(at));
                let Some(symbol) = symbol else {
                    return Err(reader.fault("an enum symbol that does not exist"));
                };
                Scalar::Text(Cow::Owned(symbol.clone()))
            }
            Type::Time(scale) => {
                let units = reader.long()?;
                Scalar::Time(match scale {
                    Scale::Millis => Timestamp::from_millis(units),
                    Scale::Micros => Timestamp::from_micros(units),
                    Scale::Nanos => Timestamp::from_micros(units.div_euclid(1_000)),
                })
            }
            Type::List(item) => {
                let mut items = Vec::new();
                reader.blocks(|reader| {
                    items.push(self.value(item, reader, next)?);
                    Ok(())
                })?;
                return Ok(Value::List(items));
            }
            Type::Map(item) => {
                let mut pairs = Vec::new();
                reader.blocks(|reader| {
                    let key = Name::Data(reader.text()?);
                    pairs.push((key, self.value(item, reader, next)?));
                    Ok(())
                })?;
                if !sort_keys(&mut pairs) {
                    return Err(reader.fault("a key of a map repeats"));
                }
                return Ok(Value::Object(pairs));
            }
            Type::Union(branches) => {
                let branch = usize::try_from(reader.long()?).ok().and_then(|at| branches.get(at));
                let Some(branch) = branch else {
                    return Err(reader.fault("a union branch that does not exist"));
                };
                return self.value(branch, reader, next);
            }
            Type::Record(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for (name, of) in fields {
                    let value = self.value(of, reader, next)?;
                    members.push((Name::Schema(Arc::clone(name)), value));
                }
                return Ok(Value::Object(members));
            }
            Type::Named(number) => {
                let Some(of) = self.named.get(*number) else {
                    return Err(reader.fault("a type that does not exist"));
                };
                return self.value(of, reader, next);
            }
        }))
    }
}

/// A decimal, as text; one of too many digits as bytes. Apart, because the frame of every other value
/// would be larger for it.
#[cold]
fn decimal<'a>(of: &Unscaled, reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let bytes = match of.size {
        Some(size) => reader.take(size)?,
        None => reader.bytes()?,
    };
    let text = unscaled::text(bytes, of.scale);
    let scalar = text.map_or(Scalar::Bytes(bytes), |text| Scalar::Text(Cow::Owned(text)));
    Ok(Value::Scalar(scalar))
}

/// Named types met so far; `None` while one is being compiled.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, usize>,
    types: Vec<Option<Type>>,
}

impl Names {
    /// The number of a name, given out at its first use or definition.
    fn number(&mut self, name: String) -> usize {
        let next = self.types.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.types.push(None);
        }
        number
    }

    fn define(&mut self, name: String, of: Type) -> Type {
        let number = self.number(name);
        if let Some(slot) = self.types.get_mut(number) {
            *slot = Some(of);
        }
        Type::Named(number)
    }

    fn compile(&mut self, parsed: &Parsed, namespace: Option<&str>) -> Result<Type, String> {
        Ok(match parsed {
            Parsed::Null => Type::Null,
            Parsed::Boolean => Type::Bool,
            Parsed::Int | Parsed::Long | Parsed::Date | Parsed::TimeMillis | Parsed::TimeMicros => {
                Type::Int
            }
            Parsed::Float => Type::Float,
            Parsed::Double => Type::Double,
            Parsed::Bytes | Parsed::BigDecimal | Parsed::Uuid(UuidSchema::Bytes) => Type::Bytes,
            Parsed::String | Parsed::Uuid(UuidSchema::String) => Type::Text,
            // Times without a zone are taken as UTC.
            Parsed::TimestampMillis | Parsed::LocalTimestampMillis => Type::Time(Scale::Millis),
            Parsed::TimestampMicros | Parsed::LocalTimestampMicros => Type::Time(Scale::Micros),
            Parsed::TimestampNanos | Parsed::LocalTimestampNanos => Type::Time(Scale::Nanos),
            Parsed::Array(list) => Type::List(Box::new(self.compile(&list.items, namespace)?)),
            Parsed::Map(map) => Type::Map(Box::new(self.compile(&map.types, namespace)?)),
            Parsed::Union(union) => Type::Union(
                union
                    .variants()
                    .iter()
                    .map(|branch| self.compile(branch, namespace))
                    .collect::<Result<_, _>>()?,
            ),
            Parsed::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => {
                    Type::Decimal(Box::new(Unscaled { size: None, scale: decimal.scale }))
                }
                InnerDecimalSchema::Fixed(fixed) => {
                    let of = Unscaled { size: Some(fixed.size), scale: decimal.scale };
                    self.define(fixed.name.fullname(namespace), Type::Decimal(Box::new(of)))
                }
            },
            Parsed::Fixed(fixed)
            | Parsed::Duration(fixed)
            | Parsed::Uuid(UuidSchema::Fixed(fixed)) => {
                self.define(fixed.name.fullname(namespace), Type::Fixed(fixed.size))
            }
            Parsed::Enum(symbols) => {
                self.define(symbols.name.fullname(namespace), Type::Enum(symbols.symbols.clone()))
            }
            Parsed::Record(record) => {
                let name = record.name.fullname(namespace);
                let inside = name.rsplit_once('.').map(|(inside, _)| inside.to_owned());
                let inside = inside.as_deref().or(namespace);
                self.number(name.clone());
                let mut fields = Vec::with_capacity(record.fields.len());
                for field in &record.fields {
                    fields.push((field.name.as_str().into(), self.compile(&field.schema, inside)?));
                }
                self.define(name, Type::Record(fields))
            }
            Parsed::Ref { name } => Type::Named(self.number(name.fullname(namespace))),
        })
    }
}

fn assemble<'a>(members: Vec<(Name<'a>, Value<'a>)>) -> Result<Event<'a>, Fault> {
    let mut assembly = Assembly::new();
    for (name, value) in present(members) {
        match (plan().entry(&name), value) {
            (Some((_, Entry::Field(field))), value) => set(&mut assembly, field, value)?,
            (Some((_, Entry::Group(group))), Value::Object(members)) => {
                self::group(&mut assembly, group, members)?;
            }
            (Some((_, Entry::Group(_))), _) => {
                return Err(wrong_type(format!("/{}", &*name), "an object", "another value"));
            }
            (None, value) => {
                let text = text(value);
                assembly.attribute(name.into_cow(), text, Place::Top);
            }
        }
    }
    assembly.finish("")
}

/// Without nulls: a record has all fields of its schema, and null is how it says that one is absent.
fn present<'a>(members: Vec<(Name<'a>, Value<'a>)>) -> impl Iterator<Item = (Name<'a>, Value<'a>)> {
    members.into_iter().filter(|(_, value)| !matches!(value, Value::Null))
}

fn group<'a>(
    assembly: &mut Assembly<'a>,
    group: &'static Group,
    members: Vec<(Name<'a>, Value<'a>)>,
) -> Result<(), Fault> {
    for (name, value) in present(members) {
        match group.field(&name) {
            Some((_, field)) => set(assembly, field, value)?,
            None => {
                let path = Cow::Owned(format!("{}.{}", group.name, &*name));
                assembly.attribute(path, text(value), Place::Group(group.name.len()));
            }
        }
    }
    Ok(())
}

fn set<'a>(
    assembly: &mut Assembly<'a>,
    field: &'static Field,
    value: Value<'a>,
) -> Result<(), Fault> {
    let wrong = |found| Err(wrong_type(field.pointer.clone(), wanted(field.cell_type), found));
    match (field.cell_type, value) {
        (_, Value::Null) => {}
        (_, Value::Scalar(scalar)) => assembly.put(field, scalar, "")?,
        (CellType::Texts, Value::List(items)) => {
            let mut texts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let Value::Scalar(Scalar::Text(text)) = item else {
                    let pointer = format!("{}/{index}", field.pointer);
                    return Err(wrong_type(pointer, "text", "another value"));
                };
                texts.push(text);
            }
            assembly.set(field, Cell::Texts(texts));
        }
        (CellType::Map, Value::Object(members)) if field.id == column::ATTRIBUTES.id() => {
            assembly.begin_attributes();
            for (name, value) in members {
                assembly.attribute(name.into_cow(), text(value), Place::Map);
            }
        }
        (CellType::Map, Value::Object(mut members)) => {
            // Members of a record come in the order of its schema.
            if !sort_keys(&mut members) {
                let detail = "a member repeats".into();
                let pointer = field.pointer.clone();
                return Err(Fault { reason: Reason::InvalidAvro, pointer, detail });
            }
            let pairs =
                members.into_iter().filter_map(|(key, value)| Some((key.into_cow(), text(value)?)));
            assembly.set(field, Cell::Map(pairs.collect()));
        }
        (_, Value::List(_)) => return wrong("a list"),
        (_, Value::Object(_)) => return wrong("an object"),
    }
    Ok(())
}

/// The text of a value without a column: text as it is, anything else as JSON. Decimals become their
/// digits, bytes base64, instants RFC 3339, and floats that JSON cannot write their names.
fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    let value = match value {
        Value::Null => return None,
        Value::Scalar(Scalar::Text(text)) => return Some(text),
        Value::Scalar(_) | Value::List(_) | Value::Object(_) => json(value),
    };
    Some(Cow::Owned(if let Json::String(text) = value { text } else { value.to_string() }))
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) => match scalar {
            Scalar::Bool(value) => Json::Bool(value),
            Scalar::Int(value) => value.into(),
            Scalar::Unsigned(value) => value.into(),
            Scalar::Float(value) => serde_json::Number::from_f64(value)
                .map_or_else(|| Json::String(value.to_string()), Json::Number),
            Scalar::Text(text) => Json::String(text.into_owned()),
            Scalar::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
            Scalar::Time(instant) => {
                instant.to_rfc3339().map_or_else(|| instant.micros().into(), Json::String)
            }
        },
        Value::List(items) => Json::Array(items.into_iter().map(json).collect()),
        Value::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.into_cow().into_owned(), json(value)))
                .collect(),
        ),
    }
}
