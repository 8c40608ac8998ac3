//! The rows of a pack: each is in its segment, at its place, and about the agent.

use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::vec::IntoIter;

use bytes::Bytes;
use event::{TopicPartition, column};
use merkle::Hash;
use merkle::multiproof::{self, Shape};
use segment::fault::{Distrust, Fault, expect_equal};
use segment::read::{ReadError, Row};
use segment::slice;

use crate::container::name;
use crate::place::Place;
use crate::scope::Scope;
use crate::summary::Summary;
use crate::wanted::Wanted;

/// Checks the rows in their order, with the lines of `proofs.jsonl` in theirs.
pub(crate) struct Rows<'a> {
    scope: &'a Scope,
    proofs: &'a [&'a str],
    wanted: &'a mut [Wanted],
    /// Lines read.
    line: usize,
    open: Option<Open>,
    /// First segment that the next line may name: rows are in the order of the log.
    next: usize,
}

/// The segment whose rows come now.
struct Open {
    /// Where it is in `wanted`.
    at: usize,
    /// Place of its line.
    place: String,
    indices: Peekable<std::iter::Flatten<IntoIter<RangeInclusive<u64>>>>,
    nodes: Vec<Hash>,
    /// Indices and leaves of its rows so far.
    leaves: Vec<(u64, Hash)>,
}

impl<'a> Rows<'a> {
    pub(crate) const fn new(
        scope: &'a Scope,
        proofs: &'a [&'a str],
        wanted: &'a mut [Wanted],
    ) -> Self {
        Self { scope, proofs, wanted, line: 0, open: None, next: 0 }
    }

    /// Checks all rows, and counts them.
    pub(crate) fn check(mut self, events: &Bytes, summary: &mut Summary) -> Result<(), Distrust> {
        slice::for_each_row(events, |partition, row| {
            self.take(partition, row)?;
            let place = || format!("{partition} {}", row.offset);
            summary.count(self.scope, place, row.timestamp_ms, &row.event);
            Ok::<(), Refused>(())
        })
        .map_err(|Refused(why)| why)?;
        self.close()?;
        match self.proofs.get(self.line) {
            None => Ok(()),
            Some(_) => Err(self.fault("no line without an event", "more lines").into()),
        }
    }

    fn fault(&self, expected: &str, found: impl Into<String>) -> Fault {
        let place = format!("line {} of {}", self.line.saturating_add(1), name::PROOFS);
        Fault::new("proofs", place, expected, found)
    }

    fn take(&mut self, partition: &TopicPartition, row: &Row<'_>) -> Result<(), Fault> {
        if self.open.as_mut().is_none_or(|open| open.indices.peek().is_none()) {
            self.close()?;
            self.open_next()?;
        }
        let Some(open) = &mut self.open else {
            return Err(self.fault("a line for every event", "fewer lines"));
        };
        let Some((segment, index)) = self.wanted.get_mut(open.at).zip(open.indices.next()) else {
            return Err(self.fault("a line for every event", "fewer indices"));
        };
        let place = format!("{partition} offset {} in {}", row.offset, name::EVENTS);
        let facts = &segment.manifest.facts;
        expect_equal("partition of the segment", &place, &facts.partition, partition)?;
        if !(facts.first_offset..facts.next_offset).contains(&row.offset) {
            let expected = format!("{} to before {}", facts.first_offset, facts.next_offset);
            let found = row.offset.to_string();
            return Err(Fault::new("offset in the segment", place, expected, found));
        }
        let agent_id = row.event.text(column::AGENT_ID).unwrap_or_default();
        expect_equal("agent of the pack", &place, &self.scope.agent_id(), &agent_id)?;
        open.leaves.push((index, row.leaf));
        let kind = row.event.text(column::KIND).unwrap_or_default();
        *segment.found.entry(kind.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Opens the segment of the next line.
    fn open_next(&mut self) -> Result<(), Fault> {
        let Some(line) = self.proofs.get(self.line) else {
            return Err(self.fault("a line for every event", "fewer lines"));
        };
        let Some(place) = Place::parse(line) else {
            return Err(self.fault("a place in its exact form", *line));
        };
        let later = self.wanted.iter().skip(self.next);
        let Some(more) = later.into_iter().position(|segment| segment.entry == place.entry) else {
            let found = format!("log entry {}", place.entry);
            return Err(self.fault("a segment of the period, in the order of the log", found));
        };
        let at = self.next + more;
        let runs: Vec<_> = place.runs.into_iter().map(|(first, last)| first..=last).collect();
        self.open = Some(Open {
            at,
            place: format!("line {} of {}", self.line + 1, name::PROOFS),
            indices: runs.into_iter().flatten().peekable(),
            nodes: place.nodes,
            leaves: Vec::new(),
        });
        (self.line, self.next) = (self.line + 1, at + 1);
        Ok(())
    }

    /// All rows of the open segment must have come: they lead to its root.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if let Some(index) = open.indices.next() {
            let found = "another segment, or none";
            return Err(Fault::new("proofs", open.place, format!("the row {index}"), found));
        }
        let Some(segment) = self.wanted.get(open.at) else { return Ok(()) };
        let facts = &segment.manifest.facts;
        let fault = |found: String| {
            let expected = format!("rows of log entry {}", segment.entry);
            Fault::new("inclusion in the segment", open.place.as_str(), expected, found)
        };
        let shape = Shape::padded(facts.tree_size, facts.count)
            .ok_or_else(|| fault("more events than the tree has leaves".to_owned()))?;
        multiproof::verify(shape, &open.leaves, &open.nodes, &facts.root)
            .map_err(|error| fault(error.to_string()))
    }
}

/// Why the rows are not accepted.
struct Refused(Distrust);

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self(fault.into())
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Fault::new("rows and leaves", name::EVENTS, "a slice of segments", error.to_string()).into()
    }
}
