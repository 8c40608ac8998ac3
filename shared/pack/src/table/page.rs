//! Headers of pages.

use super::thrift::{read_varint, structure};

/// The encoding of values (`PLAIN`) and of levels (`RLE`), by their numbers.
pub(super) const PLAIN: i32 = 0;
pub(super) const RLE: i32 = 3;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Bytes before and after compression.
    pub(super) uncompressed: u32,
    pub(super) compressed: u32,
    /// Levels, or values where there are none.
    pub(super) values: u32,
}

impl Sizes {
    /// The header of a page of these sizes: a data page of the first version.
    pub(super) fn header(self) -> Vec<u8> {
        let number = |value: u32| match i32::try_from(value) {
            Ok(value) => value,
            Err(_) => unreachable!("a page has at most {} bytes", super::limits::BYTES_MAX),
        };
        let mut header = Vec::new();
        structure(&mut header, |s| {
            s.i32(1, 0);
            s.i32(2, number(self.uncompressed));
            s.i32(3, number(self.compressed));
            s.structure(5, |s| {
                s.i32(1, number(self.values));
                s.i32(2, PLAIN);
                s.i32(3, RLE);
                s.i32(4, RLE);
            });
        });
        header
    }

    /// Reads a header in its one form; the sizes, and the length of the header.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (uncompressed, rest) = number(bytes.strip_prefix(&[0x15, 0, 0x15])?)?;
        let (compressed, rest) = number(rest.strip_prefix(&[0x15])?)?;
        let (values, _) = number(rest.strip_prefix(&[0x2c, 0x15])?)?;
        let sizes = Self { uncompressed, compressed, values };
        let header = sizes.header();
        bytes.starts_with(&header).then_some((sizes, header.len()))
    }
}

/// A number that is not negative.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (zigzag, rest) = read_varint(bytes)?;
    let value = i32::try_from(zigzag >> 1).ok().filter(|_| zigzag & 1 == 0)?;
    Some((value.unsigned_abs(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back_and_have_one_form() {
        for (uncompressed, compressed, values) in [(0, 9, 0), (70_000, 300, 65_536), (1, 1, 1)] {
            let sizes = Sizes { uncompressed, compressed, values };
            let header = sizes.header();
            assert_eq!(Sizes::read(&header), Some((sizes, header.len())));
            for at in 0..header.len() {
                let mut changed = header.clone();
                changed[at] ^= 0x40;
                assert_ne!(Sizes::read(&changed), Some((sizes, header.len())), "{at}");
                assert_eq!(Sizes::read(&header[..at]), None);
            }
        }
    }
}
