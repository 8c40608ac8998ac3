//! How far the log reaches, partition by partition.

use std::collections::BTreeMap;

use event::TopicPartition;
use segment::chain::Chain;
use segment::facts::SegmentFacts;
use segment::fault::Fault;
use serde::Serialize;

use crate::scope::{Scope, instant};

/// What the log holds of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionCoverage {
    /// Those of its segments that touch the period.
    pub in_period: Option<Covered>,
    /// Offset after the last one that is sealed.
    pub next_offset: i64,
    /// Partition.
    pub partition: i32,
    /// Largest broker time that is sealed.
    pub reaches: String,
    /// Whether that is at or after the end of the period; none if it has no end.
    pub reaches_end: Option<bool>,
    /// Segments of the log.
    pub segments: u64,
    /// Topic.
    pub topic: String,
}

/// What the segments of a partition that touch the period cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Events, of any agent.
    pub events: u64,
    /// First offset.
    pub first_offset: i64,
    /// Offsets that hold no record.
    pub gaps: u64,
    /// Offset after the last one.
    pub next_offset: i64,
    /// Segments.
    pub segments: u64,
}

/// From the ends of all chains, and the segments that touch the period.
pub(crate) fn coverage<'f>(
    scope: &Scope,
    ends: &BTreeMap<TopicPartition, Chain>,
    segments: impl Iterator<Item = &'f SegmentFacts>,
) -> Result<Vec<PartitionCoverage>, Fault> {
    let mut covered: BTreeMap<&TopicPartition, Covered> = BTreeMap::new();
    for facts in segments {
        let fault = || {
            let place = facts.partition.to_string();
            Fault::new("counts of a partition", place, "numbers", "an overflow")
        };
        let range = facts.next_offset.checked_sub(facts.first_offset);
        let range = range.and_then(|range| u64::try_from(range).ok());
        let gaps = range.and_then(|range| range.checked_sub(facts.count)).ok_or_else(fault)?;
        let one = Covered {
            events: facts.count,
            first_offset: facts.first_offset,
            gaps,
            next_offset: facts.next_offset,
            segments: 1,
        };
        let sum = match covered.get(&facts.partition) {
            None => one,
            Some(sum) => sum.and(one).ok_or_else(fault)?,
        };
        covered.insert(&facts.partition, sum);
    }
    let of = |(partition, chain): (&TopicPartition, &Chain)| PartitionCoverage {
        in_period: covered.get(partition).copied(),
        next_offset: chain.next_offset,
        partition: partition.partition,
        reaches: instant(chain.max_timestamp_ms),
        reaches_end: (!scope.is_open_after()).then(|| chain.max_timestamp_ms >= scope.to_ms()),
        segments: chain.next_sequence,
        topic: partition.topic.to_string(),
    };
    Ok(ends.iter().map(of).collect())
}

impl Covered {
    fn and(self, later: Self) -> Option<Self> {
        Some(Self {
            events: self.events.checked_add(later.events)?,
            first_offset: self.first_offset,
            gaps: self.gaps.checked_add(later.gaps)?,
            next_offset: later.next_offset,
            segments: self.segments.checked_add(later.segments)?,
        })
    }
}
