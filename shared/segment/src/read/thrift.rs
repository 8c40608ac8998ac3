//! Thrift's compact protocol, read by a grammar: whatever the bytes are, in time and memory of their
//! length.
//!
//! The Parquet library reads a field as the type that it expects, whatever type the bytes state,
//! and believes how long a list says to be. So both are checked before it sees them.

/// A type that a field may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Bool,
    I16,
    I32,
    I64,
    Bytes,
    List(&'static Self),
    Struct(&'static [(i16, Self)]),
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Bool(bool),
    /// A whole number of any width.
    Number(i64),
    Bytes(&'a [u8]),
    List(Vec<Self>),
    Struct(Fields<'a>),
}

/// The fields of a struct that the grammar knows, ascending by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields<'a>(Vec<(i16, Value<'a>)>);

/// Most structs and lists within one another; Parquet has eight.
const DEPTH_MAX: usize = 16;

/// Numbers of the types in the bytes.
mod wire {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const I8: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const STRUCT: u8 = 12;
}

/// Reads a struct; it and the bytes behind it. `None` if the bytes are not one.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    fields: &'static [(i16, Kind)],
) -> Option<(Fields<'a>, &'a [u8])> {
    let mut reader = Reader { bytes };
    let read = reader.fields(fields, DEPTH_MAX)?;
    Some((read, reader.bytes))
}

impl<'a> Fields<'a> {
    fn get(&self, id: i16) -> Option<&Value<'a>> {
        self.0.iter().find_map(|(of, value)| (*of == id).then_some(value))
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, id: i16) -> bool {
        self.get(id).is_some()
    }

    pub(super) fn number(&self, id: i16) -> Option<i64> {
        if let Value::Number(number) = self.get(id)? { Some(*number) } else { None }
    }

    /// A number that is not negative.
    pub(super) fn size(&self, id: i16) -> Option<u64> {
        self.number(id).and_then(|number| u64::try_from(number).ok())
    }

    pub(super) fn bytes(&self, id: i16) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self.get(id)? { Some(bytes) } else { None }
    }

    pub(super) fn list(&self, id: i16) -> Option<&[Value<'a>]> {
        if let Value::List(items) = self.get(id)? { Some(items) } else { None }
    }

    pub(super) fn fields(&self, id: i16) -> Option<&Self> {
        self.get(id)?.fields()
    }
}

impl<'a> Value<'a> {
    pub(super) const fn fields(&self) -> Option<&Fields<'a>> {
        if let Self::Struct(fields) = self { Some(fields) } else { None }
    }

    pub(super) const fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A signed number that fits into so many bits.
    fn number(&mut self, bits: u32) -> Option<i64> {
        let value = self.varint()?;
        let number = (value >> 1).cast_signed() ^ -(value & 1).cast_signed();
        let spare = i64::BITS - bits;
        ((number << spare) >> spare == number).then_some(number)
    }

    /// Number and type of the next field; an inner `None` at the end of the struct.
    fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let head = self.byte()?;
        let wire = head & 0x0f;
        if wire == 0 {
            // The library takes any high bits here, which no writer sets.
            return (head == 0).then_some(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.number(16)?).ok()?,
            delta => last.checked_add(i16::from(delta))?,
        };
        // A field that comes twice means the last to one reader, and the first to another.
        (id > last).then_some(Some((id, wire)))
    }

    fn fields(&mut self, known: &'static [(i16, Kind)], depth: usize) -> Option<Fields<'a>> {
        let depth = depth.checked_sub(1)?;
        let mut read = Vec::new();
        let mut last = 0;
        while let Some((id, wire)) = self.field(last)? {
            last = id;
            match known.iter().find(|(of, _)| *of == id) {
                Some((_, kind)) => read.push((id, self.value(*kind, wire, depth)?)),
                None => self.skip(wire, depth)?,
            }
        }
        Some(Fields(read))
    }

    /// How many items a list has, and of which type. Each takes a byte at least.
    fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            few => usize::from(few),
        };
        (count <= self.bytes.len()).then_some((count, head & 0x0f))
    }

    fn value(&mut self, kind: Kind, wire: u8, depth: usize) -> Option<Value<'a>> {
        Some(match (kind, wire) {
            (Kind::Bool, wire::TRUE | wire::FALSE) => Value::Bool(wire == wire::TRUE),
            (Kind::I16, wire::I16) => Value::Number(self.number(16)?),
            (Kind::I32, wire::I32) => Value::Number(self.number(32)?),
            (Kind::I64, wire::I64) => Value::Number(self.number(64)?),
            (Kind::Bytes, wire::BYTES) => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            (Kind::List(of), wire::LIST) => {
                let depth = depth.checked_sub(1)?;
                let (count, wire) = self.list()?;
                let mut items = Vec::with_capacity(count);
                for _ in 0..count {
                    items.push(self.value(*of, wire, depth)?);
                }
                Value::List(items)
            }
            (Kind::Struct(fields), wire::STRUCT) => Value::Struct(self.fields(fields, depth)?),
            _ => return None,
        })
    }

    /// Passes over a field that the grammar does not know.
    fn skip(&mut self, wire: u8, depth: usize) -> Option<()> {
        match wire {
            wire::TRUE | wire::FALSE => {}
            wire::I8 => _ = self.byte()?,
            wire::I16 | wire::I32 | wire::I64 => _ = self.varint()?,
            wire::DOUBLE => _ = self.take(8)?,
            wire::BYTES => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length)?;
            }
            wire::LIST => {
                let depth = depth.checked_sub(1)?;
                let (count, wire) = self.list()?;
                for _ in 0..count {
                    self.skip(wire, depth)?;
                }
            }
            wire::STRUCT => _ = self.fields(&[], depth)?,
            _ => return None,
        }
        Some(())
    }
}
