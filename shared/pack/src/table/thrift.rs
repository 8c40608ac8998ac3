//! Thrift's compact protocol, as much of it as a footer and a page header need.

const TRUE: u8 = 1;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Appends an unsigned number, seven bits a byte, lowest first.
pub(super) fn varint(mut value: u64, to: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            to.push(low & 0x7f);
            return;
        }
        to.push(low | 0x80);
    }
}

/// Reads what [`varint`] writes, in its shortest form only; the number and what follows.
pub(super) fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let shortest = at == 0 || *byte != 0;
            let rest = bytes.get(at + 1..)?;
            return shortest.then_some((value, rest));
        }
    }
    None
}

/// Appends a signed number.
fn zigzag(value: i64, to: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), to);
}

/// A struct that is being written; it ends where its scope does.
pub(super) struct Struct<'t> {
    to: &'t mut Vec<u8>,
    /// Number of the field before.
    last: u8,
}

/// Appends a struct.
pub(super) fn structure(to: &mut Vec<u8>, fields: impl FnOnce(&mut Struct<'_>)) {
    fields(&mut Struct { to, last: 0 });
    to.push(0);
}

impl Struct<'_> {
    fn field(&mut self, id: u8, kind: u8) {
        debug_assert!(id > self.last && id - self.last < 16, "fields ascend by less than 16");
        self.to.push((id - self.last) << 4 | kind);
        self.last = id;
    }

    pub(super) fn yes(&mut self, id: u8) {
        self.field(id, TRUE);
    }

    pub(super) fn i32(&mut self, id: u8, value: i32) {
        self.field(id, I32);
        zigzag(i64::from(value), self.to);
    }

    pub(super) fn i64(&mut self, id: u8, value: i64) {
        self.field(id, I64);
        zigzag(value, self.to);
    }

    pub(super) fn text(&mut self, id: u8, value: &str) {
        self.field(id, BINARY);
        text(value, self.to);
    }

    pub(super) fn structure(&mut self, id: u8, fields: impl FnOnce(&mut Struct<'_>)) {
        self.field(id, STRUCT);
        structure(self.to, fields);
    }

    pub(super) fn i32s(&mut self, id: u8, values: &[i32]) {
        self.list(id, I32, values.len());
        for value in values {
            zigzag(i64::from(*value), self.to);
        }
    }

    pub(super) fn texts(&mut self, id: u8, values: &[String]) {
        self.list(id, BINARY, values.len());
        for value in values {
            text(value, self.to);
        }
    }

    /// A list of structs; `each` writes all of them, with [`structure`].
    pub(super) fn structures(&mut self, id: u8, count: usize, each: impl FnOnce(&mut Vec<u8>)) {
        self.list(id, STRUCT, count);
        each(self.to);
    }

    fn list(&mut self, id: u8, kind: u8, count: usize) {
        self.field(id, LIST);
        match u8::try_from(count) {
            Ok(few) if few < 15 => self.to.push(few << 4 | kind),
            _ => {
                self.to.push(0xf0 | kind);
                varint(count as u64, self.to);
            }
        }
    }
}

fn text(value: &str, to: &mut Vec<u8>) {
    varint(value.len() as u64, to);
    to.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back_in_their_shortest_form_only() {
        for value in [0, 1, 127, 128, 300, 1 << 35, (1 << 62) - 1] {
            let mut bytes = Vec::new();
            varint(value, &mut bytes);
            bytes.push(9);
            assert_eq!(read_varint(&bytes), Some((value, &[9][..])));
        }
        for bytes in [&[][..], &[0x80], &[0x80, 0], &[0xff; 12]] {
            assert_eq!(read_varint(bytes), None);
        }
    }

    #[test]
    fn structs_are_as_the_protocol_says() {
        let mut bytes = Vec::new();
        structure(&mut bytes, |s| {
            s.i32(1, -1);
            s.structure(4, |s| s.yes(1));
            s.i64(20 - 1, 150);
            s.texts(20, &["a".to_owned()]);
        });
        let text = [&[0x15, 1, 0x3c, 0x11, 0, 0xf6, 0xac, 2, 0x19, 0x18, 1][..], b"a\0"].concat();
        assert_eq!(bytes, text);
    }
}
