//! Mutations of inputs: the same seed gives the same ones.

use crate::rng::Rng;

/// A place in `length` items; 0 if there are none.
fn below(random: &mut Rng, length: usize) -> usize {
    usize::try_from(random.below(length as u64)).unwrap_or(usize::MAX)
}

/// Bytes that parsers treat in their own way.
const TELLING: [&[u8]; 18] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\0",
    b"-1",
    b"18446744073709551616",
    b"9223372036854775807",
    b"1e999",
    b"\"",
    b"\\u0000",
    b"{}",
    b"[]",
    b"null",
    b"\n",
    b"\xed\xa0\x80",
    b"\xc3\x01",
];

/// One to four changes of an input; `other` is another input of the same target.
#[must_use]
pub fn mutate(input: &[u8], other: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=below(random, 4) {
        let at = below(random, bytes.len());
        match below(random, 7) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(random, 8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next().to_be_bytes()[0];
                }
            }
            2 => bytes.truncate(at),
            3 => {
                let end = (at + below(random, 32)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let telling = TELLING.get(below(random, TELLING.len())).copied().unwrap_or(b"\0");
                bytes.splice(at..at, telling.iter().copied());
            }
            5 => {
                let end = (at + below(random, 64)).min(bytes.len());
                let again = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let tail = other.get(below(random, other.len())..).unwrap_or_default();
                bytes.truncate(at);
                bytes.extend_from_slice(tail);
            }
        }
    }
    bytes
}
