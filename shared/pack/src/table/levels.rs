//! Levels: runs of equal ones, each as long as it can be.
//!
//! Parquet's hybrid of runs and packed bits allows many spellings of the same levels. Here each
//! maximal run of equal levels is one run: twice its length, and the level in one byte.

use super::thrift::{read_varint, varint};

/// Writes levels.
#[derive(Debug, Default)]
pub(super) struct LevelWriter {
    runs: Vec<u8>,
    level: u8,
    length: u64,
    count: u64,
}

impl LevelWriter {
    pub(super) fn push(&mut self, level: u8) {
        self.count += 1;
        if level == self.level && self.length > 0 {
            self.length += 1;
            return;
        }
        self.end_run();
        (self.level, self.length) = (level, 1);
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Most bytes that the levels have, as a page holds them.
    pub(super) fn bytes(&self) -> u64 {
        self.runs.len() as u64 + 16
    }

    fn end_run(&mut self) {
        if self.length > 0 {
            run(self.length, self.level, &mut self.runs);
            self.length = 0;
        }
    }

    /// Appends the levels to a page: their size in four bytes, then the runs.
    pub(super) fn append_to(&self, page: &mut Vec<u8>) {
        let mut last = Vec::new();
        if self.length > 0 {
            run(self.length, self.level, &mut last);
        }
        let Ok(size) = u32::try_from(self.runs.len() + last.len()) else {
            unreachable!("a page has at most {} bytes", super::limits::BYTES_MAX)
        };
        page.extend_from_slice(&size.to_le_bytes());
        page.extend_from_slice(&self.runs);
        page.extend_from_slice(&last);
    }
}

fn run(length: u64, level: u8, to: &mut Vec<u8>) {
    varint(length << 1, to);
    to.push(level);
}

/// Levels that were checked, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels<'p> {
    runs: &'p [u8],
    level: u8,
    left: u64,
}

impl<'p> Levels<'p> {
    /// Cuts levels off a page: them, how many they are, and what follows.
    pub(super) fn cut(page: &'p [u8], max: u8) -> Option<(Self, u64, &'p [u8])> {
        let (size, rest) = page.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        let (runs, rest) = rest.split_at_checked(size)?;
        let (mut unread, mut count, mut before) = (runs, 0_u64, None);
        while !unread.is_empty() {
            let (header, after) = read_varint(unread)?;
            let (level, after) = after.split_first()?;
            let length = header >> 1;
            if header & 1 == 1 || length == 0 || *level > max || before == Some(*level) {
                return None;
            }
            count = count.checked_add(length)?;
            (unread, before) = (after, Some(*level));
        }
        Some((Self { runs, level: 0, left: 0 }, count, rest))
    }

    /// The next level, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if self.left == 0 {
            let (header, rest) = read_varint(self.runs)?;
            let (level, rest) = rest.split_first()?;
            (self.runs, self.level, self.left) = (rest, *level, header >> 1);
        }
        Some(self.level)
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let level = self.peek()?;
        self.left -= 1;
        Some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(levels: &[u8]) -> Vec<u8> {
        let mut writer = LevelWriter::default();
        levels.iter().for_each(|level| writer.push(*level));
        let mut page = Vec::new();
        writer.append_to(&mut page);
        page
    }

    #[test]
    fn levels_survive_their_runs() {
        for levels in [&[][..], &[0], &[1, 1, 1, 0, 2, 2], &[1; 300]] {
            let page = page(levels);
            let (mut found, count, rest) = Levels::cut(&page, 2).unwrap();
            assert_eq!(count, levels.len() as u64);
            assert!(rest.is_empty());
            let all: Vec<u8> = std::iter::from_fn(|| found.next()).collect();
            assert_eq!(all, levels);
        }
    }

    #[test]
    fn another_spelling_is_refused() {
        assert_eq!(page(&[1, 1, 0]), [4, 0, 0, 0, 4, 1, 2, 0]);
        for (bytes, max) in [
            // Two runs of one level, an empty run, packed bits, a level too high, a long length, cut.
            (&[4, 0, 0, 0, 2, 1, 2, 1][..], 1),
            (&[2, 0, 0, 0, 0, 1], 1),
            (&[2, 0, 0, 0, 3, 1], 1),
            (&[2, 0, 0, 0, 2, 2], 1),
            (&[3, 0, 0, 0, 0x82, 0, 1], 1),
            (&[3, 0, 0, 0, 2, 1], 1),
            (&[1, 0, 0, 0, 2], 1),
            (&[0, 0, 0], 1),
        ] {
            assert!(Levels::cut(bytes, max).is_none(), "{bytes:?}");
        }
    }
}
