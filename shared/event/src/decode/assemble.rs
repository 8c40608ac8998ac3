//! What JSON and foreign Avro schemas have in common: values become cells by one set of rules, and
//! what has no column becomes an attribute.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Fault, Reason};
use crate::cell::{Cell, CellType};
use crate::column;
use crate::decimal::{self, Nearest};
use crate::event::Event;
use crate::plan::{Field, plan};
use crate::schema::{ColumnId, SCHEMA_VERSION};
use crate::time::Timestamp;

/// Integers up to here are exact in a float.
const EXACT_IN_A_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A single value, before its column has had a say.
#[derive(Debug, Clone)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    /// An integer beyond `i64`.
    Unsigned(u64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Time(Timestamp),
}

impl Scalar<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Unsigned(_) => "an integer beyond 64 bits with sign",
            Self::Float(_) => "a number with a fraction, or beyond 2^53",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "an instant",
        }
    }
}

/// What a column wants, for messages.
pub(super) const fn wanted(cell_type: CellType) -> &'static str {
    match cell_type {
        CellType::Bool => "a boolean",
        CellType::Int => "an integer",
        CellType::Float => "a number",
        CellType::Text => "text",
        CellType::Bytes => "base64 text",
        CellType::Time => "RFC 3339 text or integer microseconds",
        CellType::Texts => "a list of texts",
        CellType::Map => "an object",
    }
}

/// A value of the wrong type at a pointer.
pub(super) fn wrong_type(pointer: String, wanted: &str, found: &str) -> Fault {
    Fault {
        reason: Reason::WrongType,
        pointer,
        detail: format!("expected {wanted}, found {found}"),
    }
}

/// An instant outside the years that are accepted.
fn out_of_range(pointer: String) -> Fault {
    let detail = "an instant outside years 1 to 9999".to_owned();
    Fault { reason: Reason::InvalidTime, pointer, detail }
}

/// An instant that is plausible only in another unit.
fn mistaken(unit: &str, pointer: String) -> Fault {
    let detail = format!(
        "the number looks like {unit} since 1970; send microseconds, or RFC 3339 text with an offset"
    );
    Fault { reason: Reason::InvalidTime, pointer, detail }
}

/// The cell of an instant, if it may be one: in the years that are accepted, and not one that is
/// plausible only in another unit.
pub(super) fn checked_time(
    instant: Timestamp,
    pointer: impl Fn() -> String,
) -> Result<Cell<'static>, Fault> {
    match instant.mistaken_unit() {
        Some(unit) => Err(mistaken(unit, pointer())),
        None if instant.is_in_range() => Ok(Cell::Time(instant)),
        None => Err(out_of_range(pointer())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the value is integral and below 2^53")]
fn integral(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT_IN_A_FLOAT).then_some(value as i64)
}

/// The cell of a single value in a column, but of a number in a column of floats, which
/// [`Assembly::put`] knows.
fn cell<'a>(field: &Field, scalar: Scalar<'a>, prefix: &str) -> Result<Cell<'a>, Fault> {
    let pointer = || format!("{prefix}{}", field.pointer);
    let wrong =
        |scalar: &Scalar<'_>| Err(wrong_type(pointer(), wanted(field.cell_type), scalar.name()));
    let time = |instant: Timestamp| checked_time(instant, pointer);
    match (field.cell_type, scalar) {
        (CellType::Bool, Scalar::Bool(value)) => Ok(Cell::Bool(value)),
        (CellType::Int, Scalar::Int(value)) => Ok(Cell::Int(value)),
        (CellType::Int, Scalar::Float(value)) => {
            integral(value).map(Cell::Int).map_or_else(|| wrong(&Scalar::Float(value)), Ok)
        }
        (CellType::Float, Scalar::Float(value)) => Ok(Cell::Float(value)),
        (CellType::Text, Scalar::Text(value)) => Ok(Cell::Text(value)),
        (CellType::Bytes, Scalar::Bytes(value)) => Ok(Cell::Bytes(Cow::Borrowed(value))),
        (CellType::Bytes, Scalar::Text(value)) => STANDARD
            .decode(value.as_bytes())
            .map(|bytes| Cell::Bytes(Cow::Owned(bytes)))
            .map_err(|_| wrong_type(pointer(), "base64 text", "other text")),
        (CellType::Time, Scalar::Time(instant)) => time(instant),
        (CellType::Time, Scalar::Int(micros)) => time(Timestamp::from_micros(micros)),
        (CellType::Time, Scalar::Unsigned(_)) => Err(out_of_range(pointer())),
        (CellType::Time, Scalar::Float(value)) => match integral(value) {
            Some(micros) => time(Timestamp::from_micros(micros)),
            None if value.fract() == 0.0 => Err(out_of_range(pointer())),
            // `time.time()` of Python, and others.
            None => integral(value.trunc())
                .and_then(|whole| Timestamp::from_micros(whole).mistaken_unit())
                .map_or_else(
                    || wrong(&Scalar::Float(value)),
                    |unit| Err(mistaken(unit, pointer())),
                ),
        },
        (CellType::Time, Scalar::Text(text)) => {
            Timestamp::parse_rfc3339(&text).map(Cell::Time).ok_or_else(|| Fault {
                reason: Reason::InvalidTime,
                pointer: pointer(),
                detail: if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
                    "digits as text; send RFC 3339 text with an offset, or an integer of \
                     microseconds since 1970"
                } else {
                    "not RFC 3339 with an offset, or outside years 1 to 9999"
                }
                .into(),
            })
        }
        (
            CellType::Bool
            | CellType::Int
            | CellType::Float
            | CellType::Text
            | CellType::Bytes
            | CellType::Time
            | CellType::Texts
            | CellType::Map,
            scalar,
        ) => wrong(&scalar),
    }
}

/// Where an attribute was written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// In the `attributes` object.
    Map,
    /// Beside the fields of the envelope.
    Top,
    /// Inside a group whose name has that many bytes.
    Group(usize),
}

/// An event being put together.
#[derive(Debug, Default)]
pub(super) struct Assembly<'a> {
    event: Event<'a>,
    /// Path, text and place; no text for a null, which is no value but still must not repeat.
    attributes: Vec<(Cow<'a, str>, Option<Cow<'a, str>>, Place)>,
    has_map: bool,
}

impl<'a> Assembly<'a> {
    pub(super) fn new() -> Self {
        Self { event: Event::with_capacity(32), ..Self::default() }
    }

    pub(super) fn set(&mut self, field: &Field, cell: Cell<'a>) {
        self.event.set(field.id, cell);
    }

    /// Sets the column of a single value.
    #[inline]
    pub(super) fn put(
        &mut self,
        field: &'static Field,
        scalar: Scalar<'a>,
        prefix: &str,
    ) -> Result<(), Fault> {
        if field.cell_type == CellType::Float && !matches!(scalar, Scalar::Float(_)) {
            return self.put_number(field, scalar, prefix);
        }
        self.set(field, cell(field, scalar, prefix)?);
        Ok(())
    }

    /// As [`Self::put`], of what is no double into a column of floats.
    #[inline(never)]
    fn put_number(
        &mut self,
        field: &'static Field,
        scalar: Scalar<'a>,
        prefix: &str,
    ) -> Result<(), Fault> {
        match scalar {
            Scalar::Int(value) => {
                let nearest = decimal::nearest_to_integer(i128::from(value));
                self.number(field, nearest, || Cow::Owned(value.to_string()));
                Ok(())
            }
            Scalar::Text(text) => self.decimal(field, text, prefix, "text that is no number"),
            Scalar::Bool(_)
            | Scalar::Unsigned(_)
            | Scalar::Float(_)
            | Scalar::Bytes(_)
            | Scalar::Time(_) => {
                let pointer = format!("{prefix}{}", field.pointer);
                Err(wrong_type(pointer, wanted(field.cell_type), scalar.name()))
            }
        }
    }

    /// Sets a column of floats to the double nearest to a number that is written as decimals are.
    pub(super) fn decimal(
        &mut self,
        field: &'static Field,
        text: Cow<'a, str>,
        prefix: &str,
        found: &str,
    ) -> Result<(), Fault> {
        let Some(nearest) = decimal::nearest(&text) else {
            let pointer = format!("{prefix}{}", field.pointer);
            return Err(wrong_type(pointer, wanted(field.cell_type), found));
        };
        self.number(field, nearest, || text);
        Ok(())
    }

    /// Sets a column of floats. Where the double is another number than what was sent, that is kept
    /// under the name of the column; where there is no double, only that.
    fn number(
        &mut self,
        field: &'static Field,
        nearest: Nearest,
        sent: impl FnOnce() -> Cow<'a, str>,
    ) {
        let value = match nearest {
            Nearest::Same(value) => return self.set(field, Cell::Float(value)),
            Nearest::Other(value) => Some(value),
            Nearest::Beyond => None,
        };
        if let Some(value) = value {
            self.set(field, Cell::Float(value));
        }
        self.attribute(Cow::Borrowed(field.id.path()), Some(sent()), Place::Map);
    }

    /// The sender wrote an `attributes` object, perhaps an empty one.
    pub(super) const fn begin_attributes(&mut self) {
        self.has_map = true;
    }

    pub(super) fn attribute(
        &mut self,
        path: Cow<'a, str>,
        text: Option<Cow<'a, str>>,
        place: Place,
    ) {
        self.attributes.push((path, text, place));
    }

    /// The same, owning its bytes.
    pub(super) fn into_owned(self) -> Assembly<'static> {
        let own = |text: Cow<'_, str>| -> Cow<'static, str> { Cow::Owned(text.into_owned()) };
        let attributes = self.attributes.into_iter();
        Assembly {
            event: self.event.into_owned(),
            attributes: attributes
                .map(|(path, text, place)| (own(path), text.map(own), place))
                .collect(),
            has_map: self.has_map,
        }
    }

    /// Adds what another part of the document says; no column may be in both.
    pub(super) fn join(&mut self, other: Self) {
        for (id, cell) in other.event.into_cells() {
            self.event.set(id, cell);
        }
        self.attributes.extend(other.attributes);
        self.has_map |= other.has_map;
    }

    /// An attribute that was set, by its path.
    pub(super) fn attribute_text(&self, path: &str) -> Option<Cow<'a, str>> {
        self.attributes.iter().find(|(name, ..)| name == path).and_then(|(_, text, _)| text.clone())
    }

    /// Whether a field has a value, in its column or, where no double is near it, as it was sent.
    pub(super) fn has_value(&self, field: &Field) -> bool {
        self.has(field.id) || self.attributes.iter().any(|(path, ..)| path == field.id.path())
    }

    pub(super) fn has(&self, column: impl Into<ColumnId>) -> bool {
        self.event.get(column).is_some()
    }

    pub(super) fn set_column(&mut self, column: impl Into<ColumnId>, cell: Cell<'a>) {
        self.event.set(column, cell);
    }

    /// The event, if it is one: see [`check`].
    pub(super) fn finish(mut self, prefix: &str) -> Result<Event<'a>, Fault> {
        if self.has_map || !self.attributes.is_empty() {
            self.attributes.sort_by(|(a, ..), (b, ..)| a.cmp(b));
            let repeated = self.attributes.windows(2).find_map(|pair| match pair {
                [(a, ..), (b, _, place)] if a == b => Some((b.clone(), *place)),
                _ => None,
            });
            if let Some((path, place)) = repeated {
                return Err(repeats(prefix, &path, place));
            }
            let pairs: Vec<_> = self
                .attributes
                .into_iter()
                .filter_map(|(path, text, _)| text.map(|text| (path, text)))
                .collect();
            if self.has_map || !pairs.is_empty() {
                self.event.set(column::ATTRIBUTES, Cell::Map(pairs));
            }
        }
        if self.event.get(column::SCHEMA_VERSION).is_none() {
            self.event.set(column::SCHEMA_VERSION, Cell::Int(SCHEMA_VERSION));
        }
        check(&self.event, prefix)?;
        Ok(self.event)
    }
}

fn repeats(prefix: &str, path: &str, place: Place) -> Fault {
    let pointer = match place {
        Place::Map => format!("{prefix}/attributes/{}", escape(path)),
        Place::Top => format!("{prefix}/{}", escape(path)),
        Place::Group(length) => match path.split_at_checked(length) {
            Some((group, rest)) => {
                format!("{prefix}/{group}/{}", escape(rest.strip_prefix('.').unwrap_or(rest)))
            }
            None => format!("{prefix}/{}", escape(path)),
        },
    };
    Fault { reason: Reason::InvalidJson, pointer, detail: "a member repeats".into() }
}

/// A member name inside a JSON pointer (RFC 6901).
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Rules that hold for an event however it was encoded: it has a kind, and names its agent if it
/// is about one.
pub(super) fn check(event: &Event<'_>, prefix: &str) -> Result<(), Fault> {
    let missing = |name: &str| Fault {
        reason: Reason::MissingField,
        pointer: format!("{prefix}/{name}"),
        detail: "absent, null or empty".into(),
    };
    let kind = event.text(column::KIND).unwrap_or_default();
    if kind.is_empty() {
        return Err(missing("kind"));
    }
    if event.text(column::AGENT_ID).is_none_or(str::is_empty) && plan().must_name_agent(kind) {
        return Err(missing("agent_id"));
    }
    Ok(())
}
