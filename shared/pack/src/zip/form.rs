//! The bytes of headers and directory.

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";

/// Made by: Unix, so that the permissions below count.
const UNIX: u16 = 3 << 8;
/// Regular file, `rw-r--r--`.
const MODE: u32 = 0o100_644 << 16;
/// 1980-01-01, the earliest date of the format.
const DATE: u16 = 0x21;
/// Version that reads 64-bit offsets.
const VERSION_64: u16 = 45;

/// Most bytes of an entry, and offset from which on 64 bits are needed.
pub(super) const U32_MAX: u64 = 0xffff_ffff;
/// Entries from which on 64 bits are needed.
const U16_MAX: u64 = 0xffff;

/// Most entries of a pack: a directory that fits into memory.
pub(super) const ENTRIES_MAX: u64 = 200_000;

/// Length of a local header without its name.
pub(super) const LOCAL_BYTES: u64 = 30;
/// Length of the end of the directory.
pub(super) const END_BYTES: u64 = 22;
/// Length of the end and of what 64 bits need before it.
pub(super) const END_64_BYTES: u64 = 56 + 20 + 22;

/// An entry, but for its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) deflated: bool,
    pub(crate) crc: u32,
    /// Bytes as stored in the file, and of the content.
    pub(crate) stored: u32,
    pub(crate) size: u32,
    /// Where its local header is.
    pub(crate) offset: u64,
}

impl Record {
    /// Fields that local header and directory have in common, from the flags on.
    fn common(&self, extra: u16) -> Vec<u8> {
        let method = if self.deflated { 8 } else { 0 };
        let mut common = Vec::with_capacity(24);
        // flags, method, time, date
        for field in [0, method, 0, DATE] {
            common.extend_from_slice(&u16::to_le_bytes(field));
        }
        for field in [self.crc, self.stored, self.size] {
            common.extend_from_slice(&field.to_le_bytes());
        }
        let Ok(length) = u16::try_from(self.name.len()) else {
            unreachable!("names of entries are short")
        };
        common.extend_from_slice(&length.to_le_bytes());
        common.extend_from_slice(&extra.to_le_bytes());
        common
    }

    const fn version(&self) -> u16 {
        if self.deflated { 20 } else { 10 }
    }

    pub(super) fn local(&self) -> Vec<u8> {
        let version = self.version().to_le_bytes();
        [&LOCAL[..], &version, &self.common(0), self.name.as_bytes()].concat()
    }

    fn central(&self, to: &mut Vec<u8>) {
        let far = self.offset >= U32_MAX;
        let version = if far { VERSION_64 } else { self.version() };
        to.extend_from_slice(&CENTRAL);
        to.extend_from_slice(&(UNIX | version).to_le_bytes());
        to.extend_from_slice(&version.to_le_bytes());
        to.extend_from_slice(&self.common(if far { 12 } else { 0 }));
        // comment length, disk, internal attributes
        to.extend_from_slice(&[0; 6]);
        to.extend_from_slice(&MODE.to_le_bytes());
        let near = u32::try_from(self.offset).unwrap_or(u32::MAX);
        to.extend_from_slice(&near.to_le_bytes());
        to.extend_from_slice(self.name.as_bytes());
        if far {
            to.extend_from_slice(&[1, 0, 8, 0]);
            to.extend_from_slice(&self.offset.to_le_bytes());
        }
    }

    /// Reads a record of the directory; what follows it. Other fields than these are not looked at:
    /// whoever reads builds the directory again.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<46>()?;
        let u16_at = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let (name, rest) = rest.split_at_checked(usize::from(u16_at(28)?))?;
        let (extra, rest) = rest.split_at_checked(usize::from(u16_at(30)?))?;
        let offset = match extra.get(4..).and_then(|extra| extra.first_chunk()) {
            Some(offset) => u64::from_le_bytes(*offset),
            None => u64::from(u32_at(42)?),
        };
        let record = Self {
            name: std::str::from_utf8(name).ok()?.to_owned(),
            deflated: u16_at(10)? == 8,
            crc: u32_at(16)?,
            stored: u32_at(20)?,
            size: u32_at(24)?,
            offset,
        };
        Some((record, rest))
    }
}

/// Directory and end of a file with these entries, which begins where the last entry ends.
pub(super) fn directory(records: &[Record], at: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    records.iter().for_each(|record| record.central(&mut bytes));
    let (count, size) = (records.len() as u64, bytes.len() as u64);
    let far = count >= U16_MAX || size >= U32_MAX || at >= U32_MAX;
    if far {
        bytes.extend_from_slice(&END_64);
        bytes.extend_from_slice(&44_u64.to_le_bytes());
        bytes.extend_from_slice(&(UNIX | VERSION_64).to_le_bytes());
        bytes.extend_from_slice(&VERSION_64.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        for field in [count, count, size, at] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&LOCATOR_64);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(at + size).to_le_bytes());
        bytes.extend_from_slice(&1_u32.to_le_bytes());
    }
    bytes.extend_from_slice(&END);
    bytes.extend_from_slice(&[0; 4]);
    let short = |value: u64| if far { u16::MAX } else { u16::try_from(value).unwrap_or(u16::MAX) };
    let long = |value: u64| if far { u32::MAX } else { u32::try_from(value).unwrap_or(u32::MAX) };
    for field in [count, count] {
        bytes.extend_from_slice(&short(field).to_le_bytes());
    }
    for field in [size, at] {
        bytes.extend_from_slice(&long(field).to_le_bytes());
    }
    bytes.extend_from_slice(&[0; 2]);
    bytes
}

/// Where the directory begins, by the end of a file; `None` if these bytes are no end.
pub(super) fn directory_offset(end: &[u8]) -> Option<u64> {
    let u32_back = |back: usize| {
        let from = end.len().checked_sub(back)?;
        Some(u64::from(u32::from_le_bytes(*end.get(from..)?.first_chunk()?)))
    };
    match u32_back(6)? {
        U32_MAX => {
            let from = end.len().checked_sub(98 - 48)?;
            Some(u64::from_le_bytes(*end.get(from..)?.first_chunk()?))
        }
        near => Some(near),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, offset: u64) -> Record {
        Record { name: name.into(), deflated: true, crc: 1, stored: 2, size: 3, offset }
    }

    #[test]
    fn a_directory_beyond_4_gib_is_read_back() {
        for at in [7, U32_MAX - 1, U32_MAX, 10 << 32] {
            let records = [record("a", 0), record("log/b", at)];
            let bytes = directory(&records, at + 100);
            let mut rest = &bytes[..];
            for expected in &records {
                let (found, after) = Record::read(rest).unwrap();
                assert_eq!(found, *expected);
                rest = after;
            }
            assert_eq!(directory_offset(&bytes), Some(at + 100), "{at}");
            let far = at + 100 >= U32_MAX;
            assert_eq!(rest.len() as u64, if far { END_64_BYTES } else { END_BYTES });
        }
    }
}
