//! From the stored bytes of a segment to its rows, and to everything that its manifest states.

mod absent;
pub(crate) mod footer;
mod guard;
pub(crate) mod pages;
mod thrift;

use arrow_array::RecordBatch;
use bytes::Bytes;
use event::{ColumnId, Event, TimestampType, TopicPartition};
use merkle::Hash;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use thiserror::Error;

use crate::build::{SEGMENT_FORMAT, metadata};
use crate::census::Census;
use crate::collect::Collector;
use crate::columns::{ColumnFault, RowReader};
use crate::facts::SegmentFacts;
use crate::fault::{Distrust, Fault};
use crate::leaf::{Head, LeafHasher, RowSalt, Salts, Secrets};

pub(crate) use self::guard::guarded;

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1_024;

/// Why the bytes are not a segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Not Parquet, or damaged.
    #[error("failed to read a segment: {0}")]
    Parquet(String),
    /// The file is of another format or version.
    #[error("failed to read a segment: its format is `{0}`")]
    Format(String),
    /// A column of another type, or that is there twice.
    #[error("failed to read a segment: column `{path}`: {detail}")]
    Column {
        /// Path of the column.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// A column that this version does not know: a later one wrote the file.
    #[error("failed to read a segment: column `{0}` is not known to this version")]
    UnknownColumn(String),
    /// There is no row.
    #[error("failed to read a segment: it has no row")]
    Empty,
    /// A row that breaks a rule of the format.
    #[error("failed to read a segment: row {row}: {detail}")]
    Row {
        /// Number of the row in the file, from 0.
        row: u64,
        /// What is wrong.
        detail: String,
    },
}

impl ReadError {
    /// What it says of an object that has the digest that was signed: what a later version wrote, this one
    /// cannot judge.
    pub(crate) fn of(&self, path: &str) -> Distrust {
        match self {
            Self::Format(_) | Self::UnknownColumn(_) => {
                Distrust::Unverifiable(format!("`{path}`: {self}"))
            }
            Self::Parquet(_) | Self::Column { .. } | Self::Empty | Self::Row { .. } => {
                Fault::new("rows and leaves", path, "a segment", self.to_string()).into()
            }
        }
    }
}

/// A segment whose every leaf was derived again from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What follows from the bytes.
    pub facts: SegmentFacts,
    /// The census, as [`Census::to_bytes`] gives the census object.
    pub census: Census,
    /// The leaves, in the order of the rows, without padding.
    pub leaves: Vec<Hash>,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// Offset of the record.
    pub offset: i64,
    /// Timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// How the record was decoded.
    pub schema_id: &'a str,
    /// Salted digest of key, value and headers.
    pub record_digest: Hash,
    /// The row's salt; `None` where a field was erased.
    pub salt: Option<RowSalt>,
    /// The event; erased fields have no cell.
    pub event: Event<'a>,
    /// Commitments of erased fields, by path.
    pub erased_commitments: Vec<(&'a str, Hash)>,
    /// Salts of the fields that were not erased in a row where others were, by path.
    pub kept_salts: Vec<(&'a str, Hash)>,
    /// The leaf, derived from the above.
    pub leaf: Hash,
}

/// Derives everything again from the stored bytes. The caller has compared the SHA-256 of the
/// bytes with the manifest; a file that nobody signed costs memory at most in proportion to what
/// it claims to hold.
///
/// # Errors
///
/// See [`ReadError`]. Never panics.
pub fn check(parquet: &Bytes) -> Result<Checked, ReadError> {
    check_each(parquet, |_, _, _| Ok(()))
}

/// As [`check`], and visits the rows with their numbers on the way: what is done with them counts
/// only if everything holds in the end.
///
/// # Errors
///
/// See [`ReadError`]; an error of `visit` ends the visit.
pub fn check_each<E: From<ReadError>>(
    parquet: &Bytes,
    mut visit: impl FnMut(&TopicPartition, u64, &Row<'_>) -> Result<(), E>,
) -> Result<Checked, E> {
    let mut reader = Reader::open(parquet)?;
    let mut collecting = Collecting::of(&reader);
    reader.for_each(|partition, number, row| {
        collecting.add(partition, number, row)?;
        visit(partition, number, row)
    })?;
    Ok(collecting.finish(parquet)?)
}

/// Collects what follows from the rows of a file while they pass.
#[derive(Debug)]
pub(crate) struct Collecting {
    first_offset: i64,
    lost_before: Option<i64>,
    collector: Option<Collector>,
}

impl Collecting {
    pub(crate) const fn of(reader: &Reader) -> Self {
        let (first_offset, lost_before) = (reader.first_offset, reader.lost_before);
        Self { first_offset, lost_before, collector: None }
    }

    pub(crate) fn add(
        &mut self,
        partition: &TopicPartition,
        number: u64,
        row: &Row<'_>,
    ) -> Result<(), ReadError> {
        let refused = |detail: String| ReadError::Row { row: number, detail };
        let first_offset = self.first_offset;
        let collector = match &mut self.collector {
            Some(collector) => collector,
            none @ None => {
                let new = none.insert(Collector::new(partition, first_offset));
                if let Some(offset) = self.lost_before {
                    new.lose_before(offset).map_err(|_| {
                        refused(format!("lost before {offset}, which is before {first_offset}"))
                    })?;
                }
                new
            }
        };
        let erased = row.erased_commitments.iter().filter_map(|(path, _)| column_of(path));
        collector.add(&row.head(), &row.event, erased, row.leaf).map_err(|error| {
            refused(format!("offset {} where at least {} comes next", row.offset, error.next))
        })
    }

    pub(crate) fn finish(self, parquet: &Bytes) -> Result<Checked, ReadError> {
        let collected = self.collector.and_then(|collector| collector.finish(parquet));
        let collected = collected.ok_or(ReadError::Empty)?;
        Ok(Checked { facts: collected.facts, census: collected.census, leaves: collected.leaves })
    }
}

fn column_of(path: &str) -> Option<ColumnId> {
    event::schema().id(path)
}

/// Visits the rows in order; memory for one batch at a time.
///
/// # Errors
///
/// See [`ReadError`]; an error of `visit` ends the visit.
pub fn for_each_row<E: From<ReadError>>(
    parquet: &Bytes,
    mut visit: impl FnMut(&TopicPartition, &Row<'_>) -> Result<(), E>,
) -> Result<(), E> {
    Reader::open(parquet)?.for_each(|partition, _, row| visit(partition, row))
}

impl Row<'_> {
    fn head(&self) -> Head<'_> {
        Head {
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            timestamp_type: self.timestamp_type,
            schema_id: self.schema_id,
            record_digest: self.record_digest,
        }
    }
}

/// A file whose metadata was read.
pub(crate) struct Reader {
    first_offset: i64,
    lost_before: Option<i64>,
    batches: ParquetRecordBatchReader,
    /// Number of the next row.
    number: u64,
    of_partition: Option<(TopicPartition, LeafHasher)>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("first_offset", &self.first_offset)
            .field("next_row", &self.number)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn open(parquet: &Bytes) -> Result<Self, ReadError> {
        guarded(|| {
            let builder = open(parquet)?;
            let pairs = builder.metadata().file_metadata().key_value_metadata();
            let value = |key: &str| {
                let mut values = pairs
                    .into_iter()
                    .flatten()
                    .filter(|pair| pair.key == key)
                    .map(|pair| pair.value.clone().unwrap_or_default());
                (values.next(), values.next().is_some())
            };
            let number = |key: &str| match value(key) {
                (None, _) => Ok(None),
                (Some(text), false) => match text.parse::<i64>() {
                    Ok(number) if number >= 0 && number.to_string() == text => Ok(Some(number)),
                    Ok(_) | Err(_) => {
                        Err(ReadError::Parquet(format!("metadata `{key}` is `{text}`")))
                    }
                },
                (Some(_), true) => {
                    Err(ReadError::Parquet(format!("metadata `{key}` is there twice")))
                }
            };
            let (format, _) = value(metadata::FORMAT);
            if format.as_deref() != Some(SEGMENT_FORMAT) {
                return Err(ReadError::Format(format.unwrap_or_default()));
            }
            let first_offset = number(metadata::FIRST_OFFSET)?.ok_or_else(|| {
                ReadError::Parquet(format!("metadata `{}` is missing", metadata::FIRST_OFFSET))
            })?;
            let lost_before = number(metadata::LOST_BEFORE)?;
            let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
            Ok(Self { first_offset, lost_before, batches, number: 0, of_partition: None })
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        guarded(|| self.batches.next().transpose().map_err(damaged))
    }

    /// Visits the rows with their numbers.
    fn for_each<E: From<ReadError>>(
        &mut self,
        mut visit: impl FnMut(&TopicPartition, u64, &Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.for_each_of_batch(&mut visit)? {}
        Ok(())
    }

    /// Visits the rows of the next batch with their numbers; whether there was one.
    pub(crate) fn for_each_of_batch<E: From<ReadError>>(
        &mut self,
        mut visit: impl FnMut(&TopicPartition, u64, &Row<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(batch) = self.next_batch()? else { return Ok(false) };
        let reader =
            RowReader::new(&batch).map_err(|ColumnFault { path, detail }| match detail {
                Some(detail) => ReadError::Column { path, detail },
                None => ReadError::UnknownColumn(path),
            })?;
        for at in 0..reader.rows() {
            let number = self.number;
            let row = row(&reader, at, &mut self.of_partition)
                .map_err(|detail| ReadError::Row { row: number, detail })?;
            if let Some((partition, _)) = &self.of_partition {
                visit(partition, number, &row)?;
            }
            self.number = number.saturating_add(1);
        }
        Ok(true)
    }
}

/// Reads a row and derives its leaf. The first row says which partition it is.
fn row<'a>(
    reader: &RowReader<'a>,
    at: usize,
    of_partition: &mut Option<(TopicPartition, LeafHasher)>,
) -> Result<Row<'a>, String> {
    let place = reader.coordinates(at)?;
    let (partition, hasher) = match of_partition {
        Some(known) => known,
        none @ None => {
            let partition = TopicPartition::new(place.topic, place.partition);
            let hasher = LeafHasher::new(&partition);
            none.insert((partition, hasher))
        }
    };
    if *partition.topic != *place.topic || partition.partition != place.partition {
        return Err(format!(
            "it is of {}/{}, the rows before of {partition}",
            place.topic, place.partition
        ));
    }
    let mut row = Row {
        offset: place.offset,
        timestamp_ms: place.timestamp_ms,
        timestamp_type: place.timestamp_type,
        schema_id: place.schema_id,
        record_digest: place.record_digest,
        salt: place.salt,
        event: reader.event(at)?,
        erased_commitments: reader.erased_commitments(at)?,
        kept_salts: reader.kept_salts(at)?,
        leaf: [0; 32],
    };
    let leaf = match &row.salt {
        Some(_) if !row.erased_commitments.is_empty() || !row.kept_salts.is_empty() => {
            return Err("it has its salt, yet fields were erased".to_owned());
        }
        Some(salt) => hasher.leaf(&row.head(), &row.event, Secrets::Whole(&Salts::new(salt))),
        None => hasher.leaf(
            &row.head(),
            &row.event,
            Secrets::Erased { commitments: &row.erased_commitments, salts: &row.kept_salts },
        ),
    };
    row.leaf = leaf.map_err(|error| error.to_string())?;
    Ok(row)
}

/// Opens a file to read the columns that have a value.
fn open(parquet: &Bytes) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, ReadError> {
    // The library believes much of what a file says about itself: what can be checked before is.
    let wrong = |wrong: &str| damaged(format!("the file is damaged: {wrong}"));
    for chunk in footer::chunks(parquet).map_err(wrong)? {
        pages::check(parquet, &chunk).map_err(wrong)?;
    }
    // The Parquet schema alone decides; a copy of an Arrow schema beside it is ignored.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(parquet.clone(), options)
        .map_err(damaged)?;
    let filled = absent::filled(parquet, builder.metadata(), builder.schema());
    let columns = ProjectionMask::roots(builder.parquet_schema(), filled);
    Ok(builder.with_projection(columns))
}

fn damaged(error: impl std::fmt::Display) -> ReadError {
    ReadError::Parquet(error.to_string())
}

#[cfg(test)]
mod tests;
