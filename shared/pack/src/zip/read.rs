//! Reads a file: its directory first, then any entry.

use std::io::{self, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use segment::fault::{Distrust, Fault};

use super::form::{
    END_64_BYTES, END_BYTES, ENTRIES_MAX, LOCAL_BYTES, Record, directory, directory_offset,
};
use super::source::{PackBytes, Refused, refused};

/// Step of the fault that reading reports.
const STEP: &str = "zip in its exact form";

/// Most bytes of a record in the directory: no name is longer than 200 bytes.
const RECORD_BYTES_MAX: u64 = 46 + 200 + 12;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// An entry.
pub(crate) type Entry = Record;

/// A zip file whose headers and directory are those that its entries give.
pub(crate) struct Zip<'s> {
    source: &'s dyn PackBytes,
    pub(crate) entries: Vec<Entry>,
}

impl std::fmt::Debug for Zip<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Zip").field("entries", &self.entries).finish_non_exhaustive()
    }
}

fn fault(place: &str, expected: &str, found: &str) -> Distrust {
    Fault::new(STEP, place, expected, found).into()
}

impl<'s> Zip<'s> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The first byte, but for contents, that is not as it must be.
    pub(crate) fn open(source: &'s dyn PackBytes) -> Result<Self, Distrust> {
        const WHOLE: &str = "the whole file";
        let size = source.size_bytes();
        let end_bytes = size.min(END_64_BYTES);
        if end_bytes < END_BYTES {
            return Err(fault(WHOLE, "a zip file", "too few bytes for one"));
        }
        let end = read(source, size - end_bytes, end_bytes)?;
        let start = directory_offset(&end).filter(|start| *start <= size - END_BYTES);
        let start = start.ok_or_else(|| fault(WHOLE, "a zip file with a directory", "none"))?;
        if size - start > ENTRIES_MAX * RECORD_BYTES_MAX + END_64_BYTES {
            let expected = format!("a directory of at most {ENTRIES_MAX} entries");
            return Err(fault(WHOLE, &expected, "a larger one"));
        }
        let found = read(source, start, size - start)?;
        let (mut entries, mut rest) = (Vec::new(), found.as_slice());
        let mut at = 0_u64;
        while rest.starts_with(b"PK\x01\x02") {
            let (mut entry, after) = Record::read(rest)
                .ok_or_else(|| fault("the directory", "whole records", "one that is cut off"))?;
            // Contents follow each other; a claim of another place would show below.
            entry.offset = at;
            at += LOCAL_BYTES + entry.name.len() as u64 + u64::from(entry.stored);
            entries.push(entry);
            rest = after;
        }
        let expected = directory(&entries, at);
        if at != start || expected != found {
            let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count() as u64;
            let found = format!("another byte, or an end, at byte {} of the file", start + same);
            return Err(fault("the directory", "the bytes that the entries give", &found));
        }
        let zip = Self { source, entries };
        for entry in &zip.entries {
            let header = entry.local();
            if read(source, entry.offset, header.len() as u64)? != header {
                let place = format!("entry `{}`", entry.name);
                return Err(fault(&place, "the header that its content gives", "another"));
            }
        }
        Ok(zip)
    }

    /// The content of an entry, to be read to its end.
    pub(crate) fn read(&self, entry: &'s Entry) -> EntryReader<'s> {
        EntryReader::new(self.source, entry)
    }

    /// The whole content of an entry of at most so many bytes.
    pub(crate) fn content(&self, entry: &Entry, bytes_max: u64) -> Result<Vec<u8>, Distrust> {
        if u64::from(entry.size) > bytes_max {
            let expected = format!("at most {bytes_max} bytes");
            let place = format!("entry `{}`", entry.name);
            return Err(Fault::new("size", place, expected, entry.size.to_string()).into());
        }
        // Growing would hold it twice.
        let mut content = Vec::with_capacity(entry.size as usize);
        EntryReader::new(self.source, entry).read_to_end(&mut content).map_err(refused)?;
        Ok(content)
    }

    pub(crate) const fn source(&self) -> &'s dyn PackBytes {
        self.source
    }
}

fn read(source: &dyn PackBytes, offset: u64, size: u64) -> Result<Vec<u8>, Distrust> {
    let unreadable =
        |error: io::Error| Distrust::Unverifiable(format!("the pack cannot be read: {error}"));
    let size = usize::try_from(size).map_err(|error| unreadable(io::Error::other(error)))?;
    let mut bytes = vec![0; size];
    if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > source.size_bytes()) {
        return Err(fault("the whole file", "all entries", "its end"));
    }
    source.read_at(offset, &mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Bytes of the file from one offset to another.
struct Range<'s> {
    source: &'s dyn PackBytes,
    at: u64,
    end: u64,
    /// The file could not be read.
    failed: bool,
}

impl Read for Range<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let count = left.min(into.len());
        let (into, _) = into.split_at_mut(count);
        if let Err(error) = self.source.read_at(self.at, into) {
            self.failed = true;
            return Err(error);
        }
        self.at += count as u64;
        Ok(count)
    }
}

enum Content<'s> {
    Stored(Range<'s>),
    Deflated(Box<DeflateDecoder<BufReader<Range<'s>>>>),
}

/// The content of an entry. At its end, size and checksum are those of the header.
pub(crate) struct EntryReader<'s> {
    name: String,
    content: Content<'s>,
    crc: crc32fast::Hasher,
    expected_crc: u32,
    stored: u64,
    left: u64,
    ended: bool,
}

impl std::fmt::Debug for EntryReader<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("EntryReader").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'s> EntryReader<'s> {
    fn new(source: &'s dyn PackBytes, entry: &Entry) -> Self {
        let at = entry.offset + LOCAL_BYTES + entry.name.len() as u64;
        let range = Range { source, at, end: at + u64::from(entry.stored), failed: false };
        let content = if entry.deflated {
            let buffered = BufReader::with_capacity(BUFFER_BYTES, range);
            Content::Deflated(Box::new(DeflateDecoder::new(buffered)))
        } else {
            Content::Stored(range)
        };
        Self {
            name: entry.name.clone(),
            content,
            crc: crc32fast::Hasher::new(),
            expected_crc: entry.crc,
            stored: u64::from(entry.stored),
            left: u64::from(entry.size),
            ended: false,
        }
    }

    fn refuse(&self, expected: &str, found: &str) -> io::Error {
        let place = format!("entry `{}`", self.name);
        Refused(Fault::new(STEP, place, expected, found)).into()
    }

    fn end(&mut self) -> io::Result<()> {
        self.ended = true;
        if self.left > 0 {
            return Err(self.refuse("its whole content", "an end before"));
        }
        if let Content::Deflated(content) = &self.content
            && content.total_in() != self.stored
        {
            return Err(self.refuse("no byte behind the content", "some"));
        }
        let crc = std::mem::take(&mut self.crc).finalize();
        if crc == self.expected_crc {
            Ok(())
        } else {
            let expected = format!("a content of CRC {:08x}", self.expected_crc);
            Err(self.refuse(&expected, &format!("{crc:08x}")))
        }
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.content {
            Content::Stored(range) => range.read(into)?,
            Content::Deflated(content) => match content.read(into) {
                Ok(read) => read,
                // Of the file itself, not of what it holds.
                Err(error) if content.get_ref().get_ref().failed => return Err(error),
                Err(error) => return Err(self.refuse("a deflated content", &error.to_string())),
            },
        };
        if read == 0 {
            self.end()?;
            return Ok(0);
        }
        let Some(left) = self.left.checked_sub(read as u64) else {
            return Err(self.refuse("a content of its size", "more"));
        };
        self.left = left;
        self.crc.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}
