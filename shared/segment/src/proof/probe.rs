//! Whether a segment may hold an event, from ranges of its object: footer and bloom filters.

use bytes::Bytes;
use event::column;
use parquet::bloom_filter::Sbbf;

use crate::read::footer::{self, TAIL_BYTES};
use crate::read::{guarded, pages};

/// Bytes read from the end of an object at once; most footers fit.
const TAIL_READ_BYTES: u64 = 32 * 1024;

/// An object that can be read in ranges.
pub trait RangeRead: Send + Sync + 'static {
    /// Size in bytes.
    fn size_bytes(&self) -> u64;

    /// Reads the bytes from one position up to another, which is at most the size.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    fn read_range(&self, from: u64, to: u64) -> Result<Bytes, String>;
}

impl RangeRead for Bytes {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_range(&self, from: u64, to: u64) -> Result<Bytes, String> {
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let range = range.filter(|(from, to)| from <= to && *to <= self.len());
        range.map(|(from, to)| self.slice(from..to)).ok_or_else(|| "no such range".to_owned())
    }
}

/// Whether a segment may hold an event with this id; of the object that was sealed never a wrong "no".
pub fn may_hold(object: impl RangeRead, event_id: &str) -> bool {
    // What the filter of a damaged file says is unknown.
    filters_admit(object, event_id).unwrap_or(true)
}

/// Whether a filter admits the id, or there is a row group without one.
fn filters_admit(object: impl RangeRead, event_id: &str) -> Option<bool> {
    let object = Tailed::of(object)?;
    let size = object.object.size_bytes();
    let end = size.checked_sub(TAIL_BYTES as u64)?;
    let tail = object.read(end, size)?;
    let start = end.checked_sub(footer::length(tail.as_ref().try_into().ok()?).ok()?)?;
    let footer = object.read(start, end)?;
    let chunks = footer::check(&footer, start).ok()?;
    let path = [column::EVENT_ID.path().as_bytes()];
    let mut of_ids = chunks.iter().filter(|chunk| chunk.path == path).peekable();
    of_ids.peek()?;
    for chunk in of_ids {
        let Some(at) = chunk.filter else { return Some(true) };
        let head = object.read(at, start.min(at.saturating_add(pages::FILTER_HEADER_BYTES_MAX)))?;
        let (header, size) = pages::filter(&head).ok()?;
        let bits = at.checked_add(header as u64)?;
        let bits = object.read(bits, bits.checked_add(size as u64).filter(|to| *to <= start)?)?;
        if guarded(|| Ok(Sbbf::new(&bits).check(event_id))).unwrap_or(true) {
            return Some(true);
        }
    }
    Some(false)
}

/// An object whose last bytes are in memory.
struct Tailed<R> {
    object: R,
    tail: Bytes,
    tail_from: u64,
}

impl<R: RangeRead> Tailed<R> {
    fn of(object: R) -> Option<Self> {
        let size = object.size_bytes();
        let tail_from = size.saturating_sub(TAIL_READ_BYTES);
        let tail = object.read_range(tail_from, size).ok()?;
        Some(Self { object, tail, tail_from })
    }

    fn read(&self, from: u64, to: u64) -> Option<Bytes> {
        if to > self.object.size_bytes() || from > to {
            return None;
        }
        match from.checked_sub(self.tail_from) {
            Some(start) => self.tail.read_range(start, to.checked_sub(self.tail_from)?).ok(),
            None => self.object.read_range(from, to).ok(),
        }
    }
}
