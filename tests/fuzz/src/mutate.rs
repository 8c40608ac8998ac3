//! Mutations of inputs: the same seed gives the same ones.

/// SplitMix64 (Steele, Lea and Flood, 2014): a small generator of well mixed numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    #[expect(clippy::cast_possible_truncation, reason = "it is below `end`")]
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }
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
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next().to_be_bytes()[0];
                }
            }
            2 => bytes.truncate(at),
            3 => {
                let end = (at + random.below(32)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let telling = TELLING.get(random.below(TELLING.len())).copied().unwrap_or(b"\0");
                bytes.splice(at..at, telling.iter().copied());
            }
            5 => {
                let end = (at + random.below(64)).min(bytes.len());
                let again = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let tail = other.get(random.below(other.len())..).unwrap_or_default();
                bytes.truncate(at);
                bytes.extend_from_slice(tail);
            }
        }
    }
    bytes
}
