//! Collects what is signed about a segment while its rows pass: the same code when a segment is
//! built and when its stored bytes are checked, so that the two can only differ where the bytes do.

use std::collections::BTreeSet;

use event::{ColumnId, Event, TopicPartition, column};
use merkle::{Hash, tree};

use crate::census::{Census, Counter};
use crate::facts::{GAPS_MAX, Gap, GapReason, ObjectFacts, SCHEMA_IDS_MAX, SegmentFacts};
use crate::leaf::Head;

/// An offset that may not come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfOrder {
    /// Smallest that may.
    pub(crate) next: i64,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Collector {
    partition: TopicPartition,
    first_offset: i64,
    next_offset: i64,
    gaps: Vec<Gap>,
    first_timestamp_ms: Option<i64>,
    min_timestamp_ms: i64,
    max_timestamp_ms: i64,
    leaves: Vec<Hash>,
    counter: Counter,
    schema_ids: BTreeSet<String>,
    last_schema_id: String,
    /// By column number: whether some row fills it.
    filled: Vec<bool>,
}

/// What was collected.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) facts: SegmentFacts,
    pub(crate) census: Census,
    pub(crate) census_bytes: Vec<u8>,
    pub(crate) leaves: Vec<Hash>,
}

impl Collector {
    pub(crate) fn new(partition: &TopicPartition, first_offset: i64) -> Self {
        Self {
            partition: partition.clone(),
            first_offset,
            next_offset: first_offset,
            gaps: Vec::new(),
            first_timestamp_ms: None,
            min_timestamp_ms: i64::MAX,
            max_timestamp_ms: i64::MIN,
            leaves: Vec::new(),
            counter: Counter::default(),
            schema_ids: BTreeSet::new(),
            last_schema_id: String::new(),
            filled: vec![false; event::schema().columns().len()],
        }
    }

    pub(crate) const fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    pub(crate) const fn first_offset(&self) -> i64 {
        self.first_offset
    }

    pub(crate) const fn next_offset(&self) -> i64 {
        self.next_offset
    }

    pub(crate) const fn first_timestamp_ms(&self) -> Option<i64> {
        self.first_timestamp_ms
    }

    pub(crate) const fn rows(&self) -> usize {
        self.leaves.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.gaps.len() >= GAPS_MAX
            || self.schema_ids.len() >= SCHEMA_IDS_MAX
            || self.leaves.len() >= tree::LEAVES_MAX
    }

    /// Records that the log no longer held what was before an offset.
    pub(crate) fn lose_before(&mut self, offset: i64) -> Result<(), OutOfOrder> {
        if !self.leaves.is_empty() || offset < self.next_offset {
            return Err(OutOfOrder { next: self.next_offset });
        }
        self.gap(offset, GapReason::Lost);
        self.next_offset = offset;
        Ok(())
    }

    /// Whether a record with that offset may come next.
    pub(crate) fn admits(&self, offset: i64) -> Result<(), OutOfOrder> {
        if (self.next_offset..i64::MAX).contains(&offset) {
            Ok(())
        } else {
            Err(OutOfOrder { next: self.next_offset })
        }
    }

    /// Adds a row; the columns in `erased` had a value once.
    pub(crate) fn add(
        &mut self,
        head: &Head<'_>,
        event: &Event<'_>,
        erased: impl Iterator<Item = ColumnId>,
        leaf: Hash,
    ) -> Result<(), OutOfOrder> {
        self.admits(head.offset)?;
        self.gap(head.offset, GapReason::NoRecord);
        self.next_offset = head.offset.saturating_add(1);
        self.first_timestamp_ms.get_or_insert(head.timestamp_ms);
        self.min_timestamp_ms = self.min_timestamp_ms.min(head.timestamp_ms);
        self.max_timestamp_ms = self.max_timestamp_ms.max(head.timestamp_ms);
        self.leaves.push(leaf);
        if self.last_schema_id != head.schema_id || self.schema_ids.is_empty() {
            head.schema_id.clone_into(&mut self.last_schema_id);
            self.schema_ids.insert(head.schema_id.to_owned());
        }
        for id in event.cells().iter().map(|(id, _)| *id).chain(erased) {
            if let Some(filled) = self.filled.get_mut(id.index()) {
                *filled = true;
            }
        }
        self.count(event);
        Ok(())
    }

    fn gap(&mut self, until: i64, reason: GapReason) {
        let len = until.saturating_sub(self.next_offset);
        if len > 0 {
            self.gaps.push(Gap { start: self.next_offset, len, reason });
        }
    }

    fn count(&mut self, event: &Event<'_>) {
        let agent_id = event.text(column::AGENT_ID).unwrap_or_default();
        self.counter.agent(agent_id, event.text(column::KIND).unwrap_or_default());
        if let (Some(source_id), Some(seq)) =
            (event.text(column::source::ID), event.int(column::source::SEQ))
        {
            let epoch = event.int(column::source::EPOCH).unwrap_or_default();
            self.counter.source(source_id, epoch, seq);
        }
    }

    /// What follows; `None` if there is no row.
    pub(crate) fn finish(self, parquet: &[u8]) -> Option<Collected> {
        let first_timestamp_ms = self.first_timestamp_ms?;
        let census = self.counter.finish();
        let census_bytes = census.to_bytes();
        let fields = |erasable: bool| {
            let columns = event::schema().columns().iter().zip(&self.filled);
            let columns =
                columns.filter(|(column, filled)| **filled && column.erasable == erasable);
            columns.map(|(column, _)| column.path.clone()).collect()
        };
        let count = self.leaves.len() as u64;
        let facts = SegmentFacts {
            first_offset: self.first_offset,
            next_offset: self.next_offset,
            count,
            gaps: self.gaps,
            first_timestamp_ms,
            min_timestamp_ms: self.min_timestamp_ms,
            max_timestamp_ms: self.max_timestamp_ms,
            tree_size: tree::padded_size(count)?,
            root: tree::root_of(self.leaves.clone()).ok()?,
            census_rows: census.len(),
            census_root: census.root(),
            schema_ids: self.schema_ids.into_iter().collect(),
            plain_fields: fields(false),
            erasable_fields: fields(true),
            parquet: ObjectFacts::of(parquet),
            census: ObjectFacts::of(&census_bytes),
            partition: self.partition,
        };
        Some(Collected { facts, census, census_bytes, leaves: self.leaves })
    }
}
