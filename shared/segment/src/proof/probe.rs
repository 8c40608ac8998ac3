//! Whether a segment may hold an event, from ranges of its object: footer and bloom filters.

use std::io::Read;

use bytes::{Buf, Bytes};
use event::column;
use parquet::errors::ParquetError;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, FileReader, Length};
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use crate::read::guarded;

/// Bytes read from the end of an object at once; most footers fit.
const TAIL_BYTES: u64 = 32 * 1024;

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
    guarded(|| Ok(filter_admits(object, event_id))).unwrap_or(true)
}

fn filter_admits(object: impl RangeRead, event_id: &str) -> bool {
    let options = ReadOptionsBuilder::new()
        .with_reader_properties(ReaderProperties::builder().set_read_bloom_filter(true).build())
        .build();
    let file =
        Tailed::of(object).map(|object| SerializedFileReader::new_with_options(object, options));
    let Ok(Ok(file)) = file else { return true };
    let columns = file.metadata().file_metadata().schema_descr().columns();
    let event_id_path = column::EVENT_ID.path();
    let Some(column) = columns.iter().position(|column| column.path().string() == event_id_path)
    else {
        return true;
    };
    (0..file.num_row_groups()).any(|group| match file.get_row_group(group) {
        Ok(group) => {
            group.get_column_bloom_filter(column).is_none_or(|filter| filter.check(event_id))
        }
        Err(_) => true,
    })
}

/// An object whose last bytes are in memory.
struct Tailed<R> {
    object: R,
    tail: Bytes,
    tail_from: u64,
}

impl<R: RangeRead> Tailed<R> {
    fn of(object: R) -> Result<Self, String> {
        let size = object.size_bytes();
        let tail_from = size.saturating_sub(TAIL_BYTES);
        let tail = object.read_range(tail_from, size)?;
        Ok(Self { object, tail, tail_from })
    }

    fn read(&self, from: u64, to: u64) -> Result<Bytes, ParquetError> {
        let outside = || ParquetError::EOF(format!("bytes {from} to {to}"));
        if to > self.object.size_bytes() || from > to {
            return Err(outside());
        }
        match from.checked_sub(self.tail_from) {
            Some(start) => {
                let end = to.checked_sub(self.tail_from).ok_or_else(outside)?;
                self.tail.read_range(start, end).map_err(ParquetError::General)
            }
            None => self.object.read_range(from, to).map_err(ParquetError::General),
        }
    }
}

impl<R: RangeRead> Length for Tailed<R> {
    fn len(&self) -> u64 {
        self.object.size_bytes()
    }
}

impl<R: RangeRead> ChunkReader for Tailed<R> {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(Box::new(self.read(start, self.object.size_bytes())?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let to = start.checked_add(length as u64);
        self.read(start, to.ok_or_else(|| ParquetError::EOF("a range".to_owned()))?)
    }
}
