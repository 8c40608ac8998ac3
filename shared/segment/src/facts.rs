//! What follows from the bytes of a segment, and is signed in its manifest.

use event::TopicPartition;
use merkle::Hash;

use crate::layout::SegmentName;

/// Most gaps of one segment: a builder that reaches it is full. Keeps the manifest within the
/// size of a log entry.
pub const GAPS_MAX: usize = 500;

/// Most distinct schema ids of one segment: a builder that reaches it is full.
pub const SCHEMA_IDS_MAX: usize = 100;

/// Why a range of offsets holds no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapReason {
    /// The log skipped the offsets: transaction markers, aborted records.
    NoRecord,
    /// The log no longer held the records when the sealer came to read them.
    Lost,
}

impl GapReason {
    /// The name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRecord => "no_record",
            Self::Lost => "lost",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::NoRecord, Self::Lost].into_iter().find(|reason| reason.name() == name)
    }
}

/// A range of offsets without records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// First offset.
    pub start: i64,
    /// Number of offsets, at least 1.
    pub len: i64,
    /// Why.
    pub reason: GapReason,
}

/// Size and digest of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectFacts {
    /// SHA-256 of the bytes.
    pub sha256: Hash,
    /// Number of bytes.
    pub size_bytes: u64,
}

impl ObjectFacts {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: merkle::hash::sha256(bytes), size_bytes: bytes.len() as u64 }
    }
}

/// Everything about a segment that follows from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// First offset of the range; a record or the start of a gap.
    pub first_offset: i64,
    /// Offset after the last record: where the next segment begins.
    pub next_offset: i64,
    /// Number of records, at least 1; `next_offset - first_offset` is this and the gaps.
    pub count: u64,
    /// Offsets of the range without records, ascending, none adjacent with the same reason.
    pub gaps: Vec<Gap>,
    /// Timestamp of the first record, milliseconds since the epoch.
    pub first_timestamp_ms: i64,
    /// Smallest timestamp, milliseconds since the epoch.
    pub min_timestamp_ms: i64,
    /// Largest timestamp, milliseconds since the epoch.
    pub max_timestamp_ms: i64,
    /// Number of leaves with padding: a power of two.
    pub tree_size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Number of rows of the census.
    pub census_rows: u64,
    /// Root of the census.
    pub census_root: Hash,
    /// Schema ids of the records, ascending.
    pub schema_ids: Vec<String>,
    /// Paths of the columns that some row fills and that cannot be erased, ascending.
    pub plain_fields: Vec<String>,
    /// Paths of the columns that some row fills, or filled, and that can be erased, ascending.
    pub erasable_fields: Vec<String>,
    /// The Parquet object.
    pub parquet: ObjectFacts,
    /// The census object.
    pub census: ObjectFacts,
}

impl SegmentFacts {
    /// Names the segment's objects; see [`SegmentName::new`].
    #[must_use]
    pub fn name(&self, nonce: u32) -> Option<SegmentName> {
        SegmentName::new(&self.partition, self.first_offset, self.first_timestamp_ms, nonce)
    }
}
