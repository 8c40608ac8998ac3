//! From records to the objects of a segment.
//!
//! Rows wait as columns until there are some two thousand, then they are encoded; the encoded
//! pages stay in memory until the segment is finished. More rows at a time make no better file, but
//! buffers so large that the allocator returns them to the system each time.

mod file;
mod properties;
mod small;

use bytes::Bytes;
use event::{Decoded, Record, TopicPartition};
use parquet::file::metadata::KeyValue;
use thiserror::Error;

use crate::collect::{Collector, OutOfOrder};
use crate::columns::Columns;
use crate::facts::SegmentFacts;
use crate::leaf::{Head, LeafHasher, RowSalt, Salts, Secrets};

pub use file::FileWriter;

/// Format name in the metadata of a segment.
pub const SEGMENT_FORMAT: &str = "driftseal/segment/v1";

/// Keys of the metadata of a segment.
pub(crate) mod metadata {
    pub(crate) const FORMAT: &str = "driftseal.format";
    pub(crate) const FIRST_OFFSET: &str = "driftseal.first_offset";
    pub(crate) const LOST_BEFORE: &str = "driftseal.lost_before";
}

/// Rows that are encoded at once.
const BATCH_ROWS: usize = 2_048;

/// Bytes of records that are encoded at once even if they are fewer rows.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why a record does not go into a segment, or a segment cannot be finished.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The record is of another partition.
    #[error("failed to add a record: it is of {found}, the segment of {expected}")]
    Partition {
        /// The segment's.
        expected: TopicPartition,
        /// The record's.
        found: TopicPartition,
    },
    /// The record's offset is before the next one.
    #[error("failed to add a record: its offset {found} is before {next}")]
    Offset {
        /// Smallest offset that may come next.
        next: i64,
        /// The record's.
        found: i64,
    },
    /// The segment takes no more ([`SegmentBuilder::is_full`]).
    #[error("failed to add a record: the segment is full")]
    Full,
    /// A segment has at least one record.
    #[error("failed to finish a segment: it has no record")]
    Empty,
    /// The columns could not be written; our bug, or out of memory.
    #[error("failed to write columns: {0}")]
    Columns(String),
}

/// A finished segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltSegment {
    /// Bytes of the Parquet object.
    pub parquet: Bytes,
    /// Bytes of the census object.
    pub census: Bytes,
    /// What follows from them.
    pub facts: SegmentFacts,
}

/// Builds a segment from the records of one partition, in ascending order of offsets.
pub struct SegmentBuilder {
    collector: Collector,
    hasher: LeafHasher,
    columns: Columns,
    /// Bytes of the records in `columns`.
    waiting_bytes: usize,
    lost_before: Option<i64>,
    /// Made when the first rows are encoded: an idle partition holds none.
    writer: Option<FileWriter>,
    /// Size of what the writer has encoded.
    encoded_bytes: usize,
    writer_memory_bytes: usize,
}

impl std::fmt::Debug for SegmentBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SegmentBuilder")
            .field("partition", self.collector.partition())
            .field("first_offset", &self.collector.first_offset())
            .field("next_offset", &self.collector.next_offset())
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

impl SegmentBuilder {
    /// A segment that begins at an offset: the one where the segment before it ended.
    #[must_use]
    pub fn new(partition: &TopicPartition, first_offset: i64) -> Self {
        Self {
            collector: Collector::new(partition, first_offset),
            hasher: LeafHasher::new(partition),
            columns: Columns::new(partition),
            waiting_bytes: 0,
            lost_before: None,
            writer: None,
            encoded_bytes: 0,
            writer_memory_bytes: 0,
        }
    }

    /// Says that the log no longer holds the records before an offset; only before the first
    /// record. Without it, missing offsets are gaps that never held a record.
    ///
    /// # Errors
    ///
    /// [`BuildError::Offset`] if records were added or the offset is before the segment.
    pub fn mark_lost_before(&mut self, offset: i64) -> Result<(), BuildError> {
        self.collector.lose_before(offset).map_err(|error| out_of_order(error, offset))?;
        self.lost_before = Some(offset);
        Ok(())
    }

    /// Adds a record. Offsets between the last record and this one become a gap.
    ///
    /// # Errors
    ///
    /// See [`BuildError`]; except for `Columns`, the segment is as before.
    pub fn push(
        &mut self,
        record: &Record<'_>,
        decoded: &Decoded<'_>,
        salt: RowSalt,
    ) -> Result<(), BuildError> {
        let partition = self.collector.partition();
        if *partition.topic != *record.topic || partition.partition != record.partition {
            return Err(BuildError::Partition {
                expected: partition.clone(),
                found: TopicPartition::new(record.topic, record.partition),
            });
        }
        if self.is_full() {
            return Err(BuildError::Full);
        }
        self.collector.admits(record.offset).map_err(|error| out_of_order(error, record.offset))?;
        let salts = Salts::new(&salt);
        let head = Head {
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            timestamp_type: record.timestamp_type,
            schema_id: &decoded.schema_id,
            record_digest: salts.record_digest(record),
        };
        let leaf = self
            .hasher
            .leaf(&head, &decoded.event, Secrets::Whole(&salts))
            .map_err(|error| BuildError::Columns(error.to_string()))?;
        self.columns
            .append(&head, &salt, &decoded.event)
            .map_err(|error| BuildError::Columns(error.to_string()))?;
        self.collector
            .add(&head, &decoded.event, std::iter::empty(), leaf)
            .map_err(|error| out_of_order(error, record.offset))?;
        let record_bytes = [record.key, record.value, Some(record.headers.encoded())]
            .into_iter()
            .flatten()
            .fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        self.waiting_bytes = self.waiting_bytes.saturating_add(record_bytes);
        if self.columns.rows() >= BATCH_ROWS || self.waiting_bytes >= BATCH_BYTES {
            self.encode()?;
        }
        Ok(())
    }

    /// Number of records.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.collector.rows() as u64
    }

    /// Where the next segment begins if this one is finished now.
    #[must_use]
    pub const fn next_offset(&self) -> i64 {
        self.collector.next_offset()
    }

    /// Size of the Parquet object so far, estimated: what is encoded, and the records that are not.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.encoded_bytes.saturating_add(self.waiting_bytes)
    }

    /// Memory held, estimated; for the budget of a sealer.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        // Columns hold about what the records do, and the leaves 32 bytes each.
        self.writer_memory_bytes
            .saturating_add(self.waiting_bytes.saturating_mul(2))
            .saturating_add(self.collector.rows().saturating_mul(32))
    }

    /// Whether the segment must be finished before the next record.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.collector.is_full()
    }

    /// Timestamp of the first record, milliseconds since the epoch.
    #[must_use]
    pub const fn first_timestamp_ms(&self) -> Option<i64> {
        self.collector.first_timestamp_ms()
    }

    /// The objects.
    ///
    /// # Errors
    ///
    /// [`BuildError::Empty`], [`BuildError::Columns`].
    pub fn finish(mut self) -> Result<BuiltSegment, BuildError> {
        if self.collector.rows() == 0 {
            return Err(BuildError::Empty);
        }
        let parquet = if self.writer.is_some() {
            self.encode()?;
            let writer = self.writer.take().ok_or(BuildError::Empty)?;
            writer.finish()
        } else {
            let batch = self.columns.finish();
            let batch = batch.map_err(|error| BuildError::Columns(error.to_string()))?;
            FileWriter::small(self.metadata(), &batch)
        };
        let parquet = parquet.map_err(|error| BuildError::Columns(error.to_string()))?;
        let collected = self.collector.finish(&parquet).ok_or(BuildError::Empty)?;
        Ok(BuiltSegment {
            parquet: parquet.into(),
            census: collected.census_bytes.into(),
            facts: collected.facts,
        })
    }

    /// Encodes the waiting rows.
    fn encode(&mut self) -> Result<(), BuildError> {
        if self.columns.rows() == 0 {
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| BuildError::Columns(error.to_string());
        let batch = self.columns.finish().map_err(|error| failed(&error))?;
        self.waiting_bytes = 0;
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => FileWriter::new(self.metadata()).map_err(|error| failed(&error))?,
        };
        writer.write(&batch).map_err(|error| failed(&error))?;
        self.encoded_bytes = writer.size_bytes();
        self.writer_memory_bytes = writer.memory_bytes();
        self.writer = Some(writer);
        Ok(())
    }

    fn metadata(&self) -> Vec<KeyValue> {
        let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
        let mut pairs = vec![
            pair(metadata::FORMAT, SEGMENT_FORMAT.to_owned()),
            pair(metadata::FIRST_OFFSET, self.collector.first_offset().to_string()),
        ];
        if let Some(offset) = self.lost_before {
            pairs.push(pair(metadata::LOST_BEFORE, offset.to_string()));
        }
        pairs
    }
}

fn out_of_order(error: OutOfOrder, found: i64) -> BuildError {
    BuildError::Offset { next: error.next, found }
}

#[cfg(test)]
mod tests;
