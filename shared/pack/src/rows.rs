//! The rows of a pack: each is in its segment, at its place, and about the agent.

use std::collections::BTreeSet;
use std::io::Read;

use event::{ColumnId, column};
use merkle::Hash;
use merkle::multiproof::{self, Shape};
use segment::fault::{Distrust, Fault};
use segment::leaf::LeafHasher;

use crate::lines::Lines;
use crate::place::Place;
use crate::scope::Scope;
use crate::table::StoredRow;
use crate::wanted::Wanted;

/// Checks the rows in their order, with the lines of the proofs in theirs.
pub(crate) struct Rows<'a> {
    scope: &'a Scope,
    withheld: &'a BTreeSet<ColumnId>,
    wanted: &'a mut [Wanted],
    open: Option<Open>,
    /// First segment whose rows may come next: rows are in the order of the log.
    next: usize,
}

/// The segment whose rows come now.
struct Open {
    /// Where it is in `wanted`.
    at: usize,
    hasher: LeafHasher,
    /// Leaves of its rows so far.
    leaves: Vec<Hash>,
    offset: i64,
}

impl<'a> Rows<'a> {
    pub(crate) const fn new(
        scope: &'a Scope,
        withheld: &'a BTreeSet<ColumnId>,
        wanted: &'a mut [Wanted],
    ) -> Self {
        Self { scope, withheld, wanted, open: None, next: 0 }
    }

    /// Checks the next row. `proofs` are asked when the rows of a segment are complete.
    pub(crate) fn take(
        &mut self,
        place: &str,
        row: &StoredRow<'_>,
        proofs: &mut dyn FnMut() -> Result<(String, Option<String>), Distrust>,
    ) -> Result<(), Distrust> {
        let of_open = self.open.as_ref().is_some_and(|open| self.is_of(open.at, row));
        if !of_open {
            self.close(proofs)?;
            self.open_next(place, row)?;
        }
        let Some((open, segment)) = self.open.as_mut().and_then(|open| {
            let segment = self.wanted.get_mut(open.at)?;
            Some((open, segment))
        }) else {
            unreachable!("a segment was opened just now");
        };
        let fault = |step: &'static str, expected: String, found: String| {
            Distrust::from(Fault::new(step, place, expected, found))
        };
        if row.offset <= open.offset {
            let expected = format!("an offset after {}", open.offset);
            return Err(fault("order of the rows", expected, row.offset.to_string()));
        }
        open.offset = row.offset;
        let facts = &segment.manifest.facts;
        let times = facts.min_timestamp_ms..=facts.max_timestamp_ms;
        if !times.contains(&row.timestamp_ms) {
            let expected = format!("{} to {}", times.start(), times.end());
            return Err(fault("timestamp in the segment", expected, row.timestamp_ms.to_string()));
        }
        let agent_id = row.event.text(column::AGENT_ID).unwrap_or_default();
        if agent_id != self.scope.agent_id() {
            let expected = self.scope.agent_id().to_owned();
            return Err(fault("agent of the pack", expected, agent_id.to_owned()));
        }
        check_missing(place, row, self.withheld, segment)?;
        let leaf = row.leaf(&mut open.hasher).map_err(|why| {
            fault("rows and leaves", "a row with what its leaf needs".to_owned(), why)
        })?;
        open.leaves.push(leaf);
        let kind = row.event.text(column::KIND).unwrap_or_default();
        let found = segment.found.entry(kind.to_owned()).or_default();
        *found += 1;
        if *found > segment.expected.get(kind).copied().unwrap_or(0) {
            let expected = format!("events of kind `{kind}` as the census counts");
            return Err(fault("completeness", expected, "more".to_owned()));
        }
        Ok(())
    }

    fn is_of(&self, at: usize, row: &StoredRow<'_>) -> bool {
        self.wanted.get(at).is_some_and(|segment| {
            let facts = &segment.manifest.facts;
            *facts.partition.topic == *row.topic
                && facts.partition.partition == row.partition
                && (facts.first_offset..facts.next_offset).contains(&row.offset)
        })
    }

    fn open_next(&mut self, place: &str, row: &StoredRow<'_>) -> Result<(), Fault> {
        let at = (self.next..self.wanted.len()).find(|at| self.is_of(*at, row));
        let segment = at.and_then(|at| Some((at, self.wanted.get(at)?)));
        let Some((at, segment)) = segment else {
            let expected = "a row of a segment of the period, in the order of the log";
            let found = format!("{}/{} offset {}", row.topic, row.partition, row.offset);
            return Err(Fault::new("segment of a row", place, expected, found));
        };
        let hasher = LeafHasher::new(&segment.manifest.facts.partition);
        self.open = Some(Open { at, hasher, leaves: Vec::new(), offset: i64::MIN });
        self.next = at + 1;
        Ok(())
    }

    /// All rows of the open segment must have come: with the nodes they lead to its root.
    fn close(
        &mut self,
        proofs: &mut dyn FnMut() -> Result<(String, Option<String>), Distrust>,
    ) -> Result<(), Distrust> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let Some(segment) = self.wanted.get(open.at) else { return Ok(()) };
        let (at, line) = proofs()?;
        let fault =
            |expected: String, found: &str| Fault::new("proofs", at.as_str(), expected, found);
        let entry = format!("the rows of log entry {}", segment.entry);
        let line = line.ok_or_else(|| fault(entry.clone(), "no line"))?;
        let place = Place::parse(&line)
            .ok_or_else(|| fault("a place in its exact form".to_owned(), &line))?;
        if place.entry != segment.entry {
            return Err(fault(entry, &format!("log entry {}", place.entry)).into());
        }
        let facts = &segment.manifest.facts;
        let fault = |found: String| {
            Fault::new("inclusion in the segment", at.as_str(), entry.clone(), found)
        };
        let shape = Shape::padded(facts.tree_size, facts.count)
            .ok_or_else(|| fault("more events than the tree has leaves".to_owned()))?;
        let indices = place.indices(open.leaves.len());
        let indices = indices.ok_or_else(|| fault("places for more or fewer rows".to_owned()))?;
        let leaves: Vec<(u64, Hash)> = indices.into_iter().zip(open.leaves).collect();
        multiproof::verify(shape, &leaves, &place.nodes, &facts.root)
            .map_err(|error| fault(error.to_string()))?;
        Ok(())
    }

    /// After the last row: nothing is left.
    pub(crate) fn finish(
        mut self,
        proofs: &mut dyn FnMut() -> Result<(String, Option<String>), Distrust>,
    ) -> Result<(), Distrust> {
        self.close(proofs)?;
        match proofs()? {
            (_, None) => Ok(()),
            (at, Some(_)) => {
                Err(Fault::new("proofs", at, "no line without an event", "more lines").into())
            }
        }
    }
}

/// A value is missing only if the pack says that it is withheld, or the log that it was erased; and
/// what is withheld is nowhere.
fn check_missing(
    place: &str,
    row: &StoredRow<'_>,
    withheld: &BTreeSet<ColumnId>,
    segment: &Wanted,
) -> Result<(), Fault> {
    if let Some(column) = withheld.iter().find(|column| row.event.get(**column).is_some()) {
        let expected = format!("`{}` withheld, as the pack says", column.path());
        return Err(Fault::new("withheld values", place, expected, "a value"));
    }
    if segment.is_amended {
        return Ok(());
    }
    let is_withheld =
        |path: &str| event::schema().id(path).is_some_and(|id| withheld.contains(&id));
    match row.commitments.iter().find(|(path, _)| !is_withheld(path)) {
        None => Ok(()),
        Some((path, _)) => {
            let expected = format!(
                "a value of `{path}`: the pack does not withhold it, and no entry of the log \
                 erases values of log entry {}",
                segment.entry
            );
            Err(Fault::new("missing values", place, expected, "a commitment alone"))
        }
    }
}

/// The lines of the proofs of all files, one after the other.
pub(crate) struct Proofs<R, F> {
    open: Option<Lines<R>>,
    more: F,
}

impl<R: Read, F: FnMut() -> Option<Lines<R>>> Proofs<R, F> {
    pub(crate) const fn new(more: F) -> Self {
        Self { open: None, more }
    }

    /// Where the next line is, and it.
    pub(crate) fn next(&mut self) -> Result<(String, Option<String>), Distrust> {
        loop {
            if let Some(lines) = &mut self.open {
                let line = lines.next()?;
                if line.is_some() {
                    return Ok((lines.place(), line));
                }
            }
            match (self.more)() {
                Some(lines) => self.open = Some(lines),
                None => {
                    let place =
                        self.open.as_ref().map_or_else(|| "proofs".to_owned(), Lines::place);
                    return Ok((place, None));
                }
            }
        }
    }
}
