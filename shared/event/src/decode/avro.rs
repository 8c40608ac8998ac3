//! The bundled schema, read without apache-avro: one pass over the bytes along the compiled plan,
//! borrowing text and bytes.
//!
//! Total: every count and length is checked against the bytes that remain, so that neither time
//! nor memory exceeds a small multiple of the value's length.
#![deny(clippy::arithmetic_side_effects)]

use std::borrow::Cow;
use std::ops::Deref;

use super::assemble::{check, checked_time};
use super::{Fault, Reason};
use crate::cell::{Cell, CellType};
use crate::event::Event;
use crate::plan::{Entry, Field, plan};
use crate::time::Timestamp;

/// Decodes a bare datum of the bundled schema.
pub(super) fn decode(datum: &[u8]) -> Result<Event<'_>, Fault> {
    let mut reader = Reader::new(datum);
    let event = read(&mut reader)?;
    reader.end()?;
    check(&event, "")?;
    Ok(event)
}

/// Reads a datum of the bundled schema; whether it is an event, [`check`] says.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Event<'a>, Fault> {
    let mut event = Event::with_capacity(32);
    let mut at = 0_usize;
    loop {
        // Most fields of most events are null: a run of them is passed over at once.
        at = at.saturating_add(reader.nulls(plan().nullable_from(at)));
        let Some(entry) = plan().entries.get(at) else { break };
        match entry {
            Entry::Field(field) => {
                if field.required || reader.branch()? {
                    event.set(field.id, reader.cell(field)?);
                }
            }
            Entry::Group(group) => {
                if reader.branch()? {
                    group_of(reader, &group.fields, &mut event)?;
                }
            }
        }
        at = at.saturating_add(1);
    }
    Ok(event)
}

/// The fields of a nullable record that has a value.
fn group_of<'a>(
    reader: &mut Reader<'a>,
    mut fields: &[Field],
    event: &mut Event<'a>,
) -> Result<(), Fault> {
    loop {
        let nulls = reader.nulls(fields.len());
        let Some((field, rest)) = fields.get(nulls..).and_then(<[Field]>::split_first) else {
            return Ok(());
        };
        if reader.branch()? {
            event.set(field.id, reader.cell(field)?);
        }
        fields = rest;
    }
}

/// The bytes of a datum, and how far they have been read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    length: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(datum: &'a [u8]) -> Self {
        Self { length: datum.len(), rest: datum }
    }

    /// Bytes not read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    #[cold]
    pub(super) fn fault(&self, detail: &str) -> Fault {
        Fault {
            reason: Reason::InvalidAvro,
            pointer: format!("byte {}", self.position()),
            detail: detail.into(),
        }
    }

    /// Refuses bytes after the datum.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fault("bytes after the event")) }
    }

    /// The branch of a `["null", type]` union: whether there is a value.
    #[inline]
    fn branch(&mut self) -> Result<bool, Fault> {
        match self.rest.split_first() {
            Some((0, rest)) => {
                self.rest = rest;
                Ok(false)
            }
            Some((2, rest)) => {
                self.rest = rest;
                Ok(true)
            }
            Some(_) => Err(self.fault("a union branch that does not exist")),
            None => Err(self.fault("truncated")),
        }
    }

    /// Passes over null branches: as many as there are, but at most `most` and eight at a time.
    #[inline]
    fn nulls(&mut self, most: usize) -> usize {
        let zeros = match self.rest.first_chunk() {
            // A null is the byte 0.
            Some(eight) => u64::from_le_bytes(*eight).trailing_zeros().wrapping_div(8),
            None => return 0,
        };
        let nulls = most.min(usize::try_from(zeros).unwrap_or(0));
        self.rest = self.rest.get(nulls..).unwrap_or(self.rest);
        nulls
    }

    /// A zig-zag variable-length integer of at most 64 bits.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, Fault> {
        let mut raw = 0_u64;
        let mut shift = 0_u32;
        let mut rest = self.rest;
        loop {
            let Some((byte, after)) = rest.split_first() else {
                return Err(self.fault("truncated"));
            };
            rest = after;
            if shift >= 63 && *byte > 1 {
                return Err(self.fault("an integer of more than 64 bits"));
            }
            raw |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                break;
            }
            shift = shift.saturating_add(7);
        }
        self.rest = rest;
        // Zig-zag: the lowest bit is the sign.
        Ok((raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg())
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.rest.split_first() {
            Some((byte @ (0 | 1), rest)) => {
                self.rest = rest;
                Ok(*byte == 1)
            }
            Some(_) => Err(self.fault("a boolean that is neither 0 nor 1")),
            None => Err(self.fault("truncated")),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.fault("truncated"));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    /// So many bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.fault("a length beyond the end"));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Bytes behind their length.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.long()?;
        let Ok(length) = usize::try_from(length) else {
            return Err(self.fault("a negative length"));
        };
        self.take(length)
    }

    /// Text behind its length.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|error| {
            let begin = self.position().saturating_sub(bytes.len());
            Fault {
                reason: Reason::InvalidUtf8,
                pointer: format!("byte {}", begin.saturating_add(error.valid_up_to())),
                detail: "text that is not UTF-8".into(),
            }
        })
    }

    /// Reads the blocks of an array or map: `item` once per item. An item of no bytes is refused,
    /// because then a count could be anything.
    pub(super) fn blocks(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            let mut end = None;
            if count < 0 {
                let Some(positive) = count.checked_neg() else {
                    return Err(self.fault("a count out of range"));
                };
                count = positive;
                let size = usize::try_from(self.long()?).ok();
                match size.and_then(|size| self.rest.len().checked_sub(size)) {
                    Some(rest) => end = Some(rest),
                    None => return Err(self.fault("a block size beyond the end")),
                }
            }
            if usize::try_from(count).is_ok_and(|count| count > self.rest.len()) {
                return Err(self.fault("a count beyond the end"));
            }
            for _ in 0..count {
                let before = self.rest.len();
                item(self)?;
                if self.rest.len() == before {
                    return Err(self.fault("items of no bytes"));
                }
            }
            if end.is_some_and(|rest| rest != self.rest.len()) {
                return Err(self.fault("a block of another size than it says"));
            }
        }
    }

    #[inline]
    fn cell(&mut self, field: &Field) -> Result<Cell<'a>, Fault> {
        Ok(match field.cell_type {
            CellType::Text => Cell::Text(Cow::Borrowed(self.text()?)),
            CellType::Int => Cell::Int(self.long()?),
            CellType::Float => Cell::Float(f64::from_le_bytes(self.array()?)),
            CellType::Time => {
                let instant = Timestamp::from_micros(self.long()?);
                checked_time(instant, || field.pointer.clone())?
            }
            CellType::Bool => Cell::Bool(self.boolean()?),
            CellType::Bytes => Cell::Bytes(Cow::Borrowed(self.bytes()?)),
            CellType::Texts => {
                let mut texts = Vec::new();
                self.blocks(|reader| {
                    texts.push(Cow::Borrowed(reader.text()?));
                    Ok(())
                })?;
                Cell::Texts(texts)
            }
            CellType::Map => {
                let mut pairs = Vec::new();
                self.blocks(|reader| {
                    pairs.push((Cow::Borrowed(reader.text()?), Cow::Borrowed(reader.text()?)));
                    Ok(())
                })?;
                if !sort_keys(&mut pairs) {
                    return Err(self.fault("a key of a map repeats"));
                }
                Cell::Map(pairs)
            }
        })
    }
}

/// Sorts pairs by key; false if a key repeats.
pub(super) fn sort_keys<K: Deref<Target = str>, V>(pairs: &mut [(K, V)]) -> bool {
    if pairs.is_sorted_by(|(a, _), (b, _)| **a < **b) {
        return true;
    }
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs.is_sorted_by(|(a, _), (b, _)| **a < **b)
}
