//! Reads a file.

use std::borrow::Cow;
use std::ops::Range;

use event::{Cell, Event, Timestamp, TimestampType};
use merkle::Hash;

use super::columns::{Columns, Field, Shape, Source, Type};
use super::fault::TableFault;
use super::footer::{Chunk, MAGIC, footer};
use super::frame;
use super::levels::Levels;
use super::limits::{BYTES_MAX, FILE_BYTES_MAX, ROWS_MAX};
use super::page::Sizes;
use super::row::StoredRow;
use super::write::NAN_BITS;

/// The pages of a file, decompressed; footer and headers are those that they must have.
#[derive(Debug)]
pub(crate) struct Pages<'f> {
    columns: &'f Columns,
    file: &'f [u8],
    rows: u32,
    /// Where the page of each column is, and how many levels or values it has.
    pages: Vec<(Place, u32)>,
}

#[derive(Debug)]
enum Place {
    File(Range<usize>),
    /// It was compressed. Each has memory of its own: one for all would be held twice while it grows.
    Own(Vec<u8>),
}

impl<'f> Pages<'f> {
    /// Opens a file that has these columns.
    ///
    /// # Errors
    ///
    /// See [`TableFault`].
    pub(crate) fn open(file: &'f [u8], columns: &'f Columns) -> Result<Self, TableFault> {
        let (end, found_footer) = cut_footer(file)?;
        let mut pages = Self { columns, file, rows: 0, pages: Vec::new() };
        let (mut at, mut chunks, mut uncompressed) = (MAGIC.len(), Vec::new(), 0_u64);
        for field in &columns.fields {
            for _ in field.types() {
                let fault = |expected: &str, found: &str| {
                    TableFault::new(field.to_string(), expected, found)
                };
                let body = file.get(at..end).unwrap_or_default();
                let (sizes, header) =
                    Sizes::read(body).ok_or_else(|| fault("a page header", "other bytes"))?;
                uncompressed += u64::from(sizes.uncompressed);
                if uncompressed > BYTES_MAX {
                    let expected = format!("at most {BYTES_MAX} bytes in all pages");
                    return Err(fault(&expected, "more"));
                }
                let start = at + header;
                let page_end = start + sizes.compressed as usize;
                let page = file.get(start..page_end).filter(|_| page_end <= end);
                let page = page.ok_or_else(|| fault("a page", "the footer"))?;
                let place = place(field, page, start, sizes.uncompressed as usize)?;
                pages.pages.push((place, sizes.values));
                let bytes = |size: u32| u64::from(size) + header as u64;
                chunks.push(Chunk {
                    offset: at as u64,
                    uncompressed: bytes(sizes.uncompressed),
                    compressed: bytes(sizes.compressed),
                    values: u64::from(sizes.values),
                });
                at = page_end;
            }
        }
        if at != end {
            return Err(TableFault::new("pages", "the footer after the last page", "other bytes"));
        }
        // The first column is required and not repeated: it has a value for each row.
        pages.rows = pages.pages.first().map_or(0, |(_, values)| *values);
        if !(1..=ROWS_MAX).contains(&pages.rows) {
            let expected = format!("1 to {ROWS_MAX} rows");
            return Err(TableFault::new("rows", expected, pages.rows.to_string()));
        }
        let expected = footer(columns, pages.rows, &chunks);
        if expected != found_footer {
            let same = expected.iter().zip(found_footer).take_while(|(a, b)| a == b).count();
            let found = format!("another byte, or an end, at byte {same} of the footer");
            return Err(TableFault::new("footer", "the one that follows from the pages", found));
        }
        Ok(pages)
    }

    fn page(&self, column: usize) -> (&[u8], u32) {
        let page = self.pages.get(column).and_then(|(place, values)| {
            let page = match place {
                Place::File(range) => self.file.get(range.clone()),
                Place::Own(content) => Some(content.as_slice()),
            };
            Some((page?, *values))
        });
        match page {
            Some(page) => page,
            None => unreachable!("each column has its page"),
        }
    }

    /// The rows.
    ///
    /// # Errors
    ///
    /// Levels that are not in their form.
    pub(crate) fn table(&self) -> Result<Table<'_>, TableFault> {
        let mut readers = Vec::with_capacity(self.columns.fields.len());
        let mut column = 0;
        for field in &self.columns.fields {
            let count = field.types().len();
            let pages: Vec<_> = (column..column + count).map(|at| self.page(at)).collect();
            readers.push(Reader::new(field, &pages, self.rows)?);
            column += count;
        }
        Ok(Table { readers, rows: self.rows, next: 0 })
    }
}

/// The page of a field, in the file or decompressed; it has that size.
fn place(field: &Field, page: &[u8], start: usize, size: usize) -> Result<Place, TableFault> {
    if field.compressed {
        let content = frame::decompress(page, size);
        return content
            .map(Place::Own)
            .map_err(|why| TableFault::new(field.to_string(), "a compressed page", why));
    }
    if page.len() == size {
        return Ok(Place::File(start..start + size));
    }
    let (expected, found) = (format!("{size} bytes"), page.len().to_string());
    Err(TableFault::new(field.to_string(), expected, found))
}

/// Where the footer begins, and its bytes with the mark at the end.
fn cut_footer(file: &[u8]) -> Result<(usize, &[u8]), TableFault> {
    let fault = |expected: &str| TableFault::new("file", expected, "other bytes");
    if file.len() as u64 > FILE_BYTES_MAX {
        return Err(fault(&format!("at most {FILE_BYTES_MAX} bytes")));
    }
    let mark = file.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix(MAGIC));
    let (_, size) = mark
        .and_then(|rest| rest.split_last_chunk::<4>())
        .ok_or_else(|| fault("a Parquet file"))?;
    let size = u32::from_le_bytes(*size) as usize;
    let start = file.len().checked_sub(8).and_then(|at| at.checked_sub(size));
    let start = start.filter(|start| *start >= MAGIC.len());
    let start = start.ok_or_else(|| fault("a footer"))?;
    Ok((start, file.get(start..).unwrap_or_default()))
}

/// The values of a field, row by row.
#[derive(Debug)]
struct Reader<'p> {
    field: &'p Field,
    repetitions: Levels<'p>,
    definitions: Levels<'p>,
    /// Of a map, keys and values.
    values: [&'p [u8]; 2],
    bools: usize,
}

impl<'p> Reader<'p> {
    fn new(field: &'p Field, pages: &[(&'p [u8], u32)], rows: u32) -> Result<Self, TableFault> {
        let fault =
            |expected: &str, found: &str| TableFault::new(field.to_string(), expected, found);
        let mut reader = Self {
            field,
            repetitions: Levels::default(),
            definitions: Levels::default(),
            values: [&[], &[]],
            bools: 0,
        };
        let mut levels = None;
        for ((page, count), values) in pages.iter().zip(&mut reader.values) {
            let mut rest = *page;
            let mut cut = |max: u8| {
                let (levels, found, after) =
                    Levels::cut(rest, max).ok_or_else(|| fault("levels", "other bytes"))?;
                rest = after;
                if found == u64::from(*count) {
                    Ok(levels)
                } else {
                    Err(fault(&format!("{count} levels"), &found.to_string()))
                }
            };
            if !matches!(field.shape, Shape::One(_)) {
                reader.repetitions = cut(1)?;
            } else if *count != rows {
                return Err(fault(&format!("{rows} rows"), &count.to_string()));
            }
            if !field.required {
                reader.definitions = cut(field.value_level())?;
            }
            let (of_page, after) = page.split_at(page.len() - rest.len());
            if *levels.get_or_insert(of_page) != of_page {
                return Err(fault("the levels of its keys", "others"));
            }
            *values = after;
        }
        Ok(reader)
    }

    fn fault(&self, expected: &str, found: impl Into<String>) -> TableFault {
        TableFault::new(self.field.to_string(), expected, found)
    }

    fn level(&mut self) -> Result<u8, TableFault> {
        if self.field.required {
            return Ok(self.field.value_level());
        }
        self.definitions.next().ok_or_else(|| self.fault("a level", "the end"))
    }

    /// Begins a row: its definition level.
    fn begin(&mut self) -> Result<u8, TableFault> {
        if !matches!(self.field.shape, Shape::One(_)) && self.repetitions.next() != Some(0) {
            return Err(self.fault("the first item of a row", "another, or the end"));
        }
        self.level()
    }

    /// Whether another item of the row follows.
    fn has_more(&mut self) -> Result<bool, TableFault> {
        if self.repetitions.peek() != Some(1) {
            return Ok(false);
        }
        self.repetitions.next();
        if self.level()? == self.field.value_level() {
            Ok(true)
        } else {
            Err(self.fault("an item", "none"))
        }
    }

    fn take(&mut self, column: usize, size: usize) -> Result<&'p [u8], TableFault> {
        let taken = self.values.get_mut(column).and_then(|values| {
            let (taken, rest) = values.split_at_checked(size)?;
            *values = rest;
            Some(taken)
        });
        taken.ok_or_else(|| self.fault("a value", "the end"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], TableFault> {
        let taken = self.take(0, N)?;
        taken.try_into().map_err(|_| self.fault("a value", "the end"))
    }

    fn bytes(&mut self, column: usize) -> Result<&'p [u8], TableFault> {
        let length = self.take(column, 4)?;
        let length = length.try_into().map_err(|_| self.fault("a length", "the end"))?;
        self.take(column, u32::from_le_bytes(length) as usize)
    }

    fn text(&mut self, column: usize) -> Result<&'p str, TableFault> {
        let bytes = self.bytes(column)?;
        std::str::from_utf8(bytes).map_err(|error| self.fault("UTF-8", error.to_string()))
    }

    fn bool(&mut self) -> Result<bool, TableFault> {
        let [values, _] = self.values;
        let byte = values.get(self.bools / 8).ok_or_else(|| self.fault("a value", "the end"))?;
        let value = byte >> (self.bools % 8) & 1 == 1;
        self.bools += 1;
        Ok(value)
    }

    fn one(&mut self, of: Type) -> Result<Cell<'p>, TableFault> {
        Ok(match of {
            Type::Bool => Cell::Bool(self.bool()?),
            Type::Int32 => Cell::Int(i64::from(i32::from_le_bytes(self.fixed()?))),
            Type::Int64 | Type::Millis => Cell::Int(i64::from_le_bytes(self.fixed()?)),
            Type::Micros => Cell::Time(Timestamp::from_micros(i64::from_le_bytes(self.fixed()?))),
            Type::Double => {
                let bits = u64::from_le_bytes(self.fixed()?);
                let value = f64::from_bits(bits);
                if value.is_nan() && bits != NAN_BITS {
                    return Err(self.fault("the one NaN", "another"));
                }
                Cell::Float(value)
            }
            Type::Text => Cell::Text(Cow::Borrowed(self.text(0)?)),
            Type::Bytes | Type::Fixed(_) => Cell::Bytes(Cow::Borrowed(self.bytes(0)?)),
        })
    }

    /// The cell of a row, and whether its group is there.
    fn cell(&mut self) -> Result<(Option<Cell<'p>>, bool), TableFault> {
        let level = self.begin()?;
        let absent = self.field.absent_level();
        if level < absent {
            return Ok((None, false));
        }
        if level == absent && !self.field.required {
            return Ok((None, true));
        }
        let has_items = level == self.field.value_level();
        let cell = match self.field.shape {
            Shape::One(of) => self.one(of)?,
            Shape::Texts => {
                let mut items = Vec::new();
                let mut more = has_items;
                while more {
                    items.push(Cow::Borrowed(self.text(0)?));
                    more = self.has_more()?;
                }
                Cell::Texts(items)
            }
            Shape::Map(_) => {
                let mut pairs: Vec<(Cow<'p, str>, Cow<'p, str>)> = Vec::new();
                let mut more = has_items;
                while more {
                    let key = self.text(0)?;
                    if pairs.last().is_some_and(|(before, _)| before.as_ref() >= key) {
                        return Err(self.fault("keys that ascend", "others"));
                    }
                    pairs.push((Cow::Borrowed(key), Cow::Borrowed(self.text(1)?)));
                    more = self.has_more()?;
                }
                Cell::Map(pairs)
            }
        };
        Ok((Some(cell), true))
    }

    /// Hashes by path; of none there is no map.
    fn secrets(&mut self) -> Result<Vec<(&'p str, Hash)>, TableFault> {
        let level = self.begin()?;
        let mut secrets: Vec<(&'p str, Hash)> = Vec::new();
        if level == 0 {
            return Ok(secrets);
        }
        let mut more = level == self.field.value_level();
        if !more {
            return Err(self.fault("no map, or one with a path", "an empty map"));
        }
        while more {
            let path = self.text(0)?;
            let hash = self.bytes(1)?;
            let hash = hash.try_into().map_err(|_| self.fault("32 bytes", "another length"))?;
            if secrets.last().is_some_and(|(before, _)| *before >= path) {
                return Err(self.fault("paths that ascend", "others"));
            }
            secrets.push((path, hash));
            more = self.has_more()?;
        }
        Ok(secrets)
    }

    /// All levels and values were read.
    fn end(&mut self) -> Result<(), TableFault> {
        let [first, second] = self.values;
        let of_bools = self.field.shape == Shape::One(Type::Bool);
        let padding = first.last().map_or(0, |last| match self.bools % 8 {
            0 => 0,
            used => last >> used,
        });
        let values_left = if of_bools {
            first.len() != self.bools.div_ceil(8) || padding != 0
        } else {
            !first.is_empty() || !second.is_empty()
        };
        if values_left || self.definitions.peek().is_some() || self.repetitions.peek().is_some() {
            return Err(self.fault("its end after the last row", "more"));
        }
        Ok(())
    }
}

/// The rows of a file, in order.
#[derive(Debug)]
pub(crate) struct Table<'p> {
    readers: Vec<Reader<'p>>,
    rows: u32,
    next: u32,
}

/// The group whose fields are being read.
#[derive(Default)]
struct Group {
    name: Option<&'static str>,
    /// Whether it is there; all its fields say the same.
    there: bool,
    /// Whether one of its fields has a value.
    filled: bool,
}

impl Group {
    /// A field of the row was read. A group is there exactly if a field of it has a value.
    fn add(&mut self, field: &Field, filled: bool, there: bool) -> Result<(), TableFault> {
        if self.name != field.group {
            self.end()?;
            *self = Self { name: field.group, there, filled: false };
        }
        if self.name.is_none() {
            return Ok(());
        }
        if self.there != there {
            let place = field.to_string();
            return Err(TableFault::new(place, "a group that is there or not", "both"));
        }
        self.filled |= filled;
        Ok(())
    }

    fn end(&self) -> Result<(), TableFault> {
        match self.name {
            Some(name) if self.there && !self.filled => {
                let place = format!("group `{name}`");
                Err(TableFault::new(place, "no group without a value", "one"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl<'p> Table<'p> {
    /// The next row; `None` after the last one.
    pub(crate) fn next_row(&mut self) -> Result<Option<StoredRow<'p>>, TableFault> {
        if self.next == self.rows {
            self.readers.iter_mut().try_for_each(Reader::end)?;
            return Ok(None);
        }
        let row = self.read_row().map_err(|mut fault| {
            fault.place = format!("row {}, {}", self.next, fault.place);
            fault
        })?;
        self.next += 1;
        Ok(Some(row))
    }

    fn read_row(&mut self) -> Result<StoredRow<'p>, TableFault> {
        let mut row = StoredRow {
            topic: "",
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            timestamp_type: TimestampType::None,
            schema_id: "",
            record_digest: [0; 32],
            salt: None,
            event: Event::empty(),
            commitments: Vec::new(),
            kept_salts: Vec::new(),
        };
        let mut group = Group::default();
        for reader in &mut self.readers {
            match reader.field.source {
                Source::Topic => row.topic = reader.text(0)?,
                Source::Partition => row.partition = i32::from_le_bytes(reader.fixed()?),
                Source::Offset => row.offset = i64::from_le_bytes(reader.fixed()?),
                Source::Timestamp => row.timestamp_ms = i64::from_le_bytes(reader.fixed()?),
                Source::TimestampType => {
                    let number = i32::from_le_bytes(reader.fixed()?);
                    let known = u8::try_from(number).ok().and_then(TimestampType::from_byte);
                    row.timestamp_type =
                        known.ok_or_else(|| reader.fault("0, 1 or 2", number.to_string()))?;
                }
                Source::SchemaId => row.schema_id = reader.text(0)?,
                Source::RecordDigest => row.record_digest = reader.fixed()?,
                Source::Salt => {
                    if reader.begin()? > 0 {
                        row.salt = Some(reader.fixed()?);
                    }
                }
                Source::Erased => row.commitments = reader.secrets()?,
                Source::Kept => row.kept_salts = reader.secrets()?,
                Source::Event(id) => {
                    let (cell, there) = reader.cell()?;
                    group.add(reader.field, cell.is_some(), there)?;
                    if let Some(cell) = cell {
                        row.event.set(id, cell);
                    }
                }
            }
        }
        group.end()?;
        Ok(row)
    }
}
