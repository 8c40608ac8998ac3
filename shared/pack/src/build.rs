//! Makes a pack from the log and the segments of an archive.

use bytes::Bytes;
use merkle::tree::SegmentTree;
use segment::excerpt::Excerpt;
use segment::facts::ObjectFacts;
use segment::fault::{Distrust, Fault};
use segment::fsck::same_facts;
use segment::policy::Policy;
use segment::read;
use segment::slice::SliceWriter;
use thiserror::Error;

use crate::container::{self, name};
use crate::content::Content;
use crate::derived::Derived;
use crate::lines::{join, split, text};
use crate::log::LogPart;
use crate::place::Place;
use crate::scope::Scope;
use crate::wanted::Wanted;

/// Why there is no pack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackError {
    /// The archive does not hold what was sealed, or the policy does not trust it.
    #[error("failed to make a pack: {0}")]
    Distrust(#[from] Distrust),
    /// The columns could not be written; our bug, or out of memory.
    #[error("failed to make a pack: {0}")]
    Columns(String),
    /// It would need more than 4 GiB.
    #[error("failed to make a pack: it would need more than 4 GiB; choose a shorter period")]
    TooLarge,
}

impl From<Fault> for PackError {
    fn from(fault: Fault) -> Self {
        Self::Distrust(fault.into())
    }
}

/// Makes a pack. Hand in the objects of [`Self::next_segment`], in order, and of what
/// [`Self::add_census`] asks for; then [`Self::finish`]. The pack is in memory as a whole.
#[derive(Debug)]
pub struct PackBuilder {
    scope: Scope,
    generator: String,
    checkpoint: String,
    log: LogPart,
    wanted: Vec<Wanted>,
    /// How many of `wanted` are done.
    done: usize,
    censuses: Vec<String>,
    places: Vec<String>,
    events: SliceWriter,
}

/// What a segment needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Its Parquet object: hand it to [`PackBuilder::add_segment`].
    Parquet,
    /// Nothing: it holds no event of the agent.
    Nothing,
}

impl PackBuilder {
    /// A pack about a scope, from what of the log decides about its period and the checkpoint. The
    /// generator is name and version of the program.
    ///
    /// # Errors
    ///
    /// [`PackError::Columns`].
    pub fn new(
        scope: Scope,
        generator: &str,
        checkpoint: &str,
        excerpt: Excerpt,
    ) -> Result<Self, PackError> {
        Ok(Self {
            generator: generator.to_owned(),
            checkpoint: checkpoint.to_owned(),
            log: LogPart::of(&excerpt),
            wanted: Wanted::all(&scope, excerpt),
            scope,
            done: 0,
            censuses: Vec::new(),
            places: Vec::new(),
            events: SliceWriter::new().map_err(PackError::Columns)?,
        })
    }

    /// Number of segments that touch the period.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.wanted.len()
    }

    /// Number of segments that are done.
    #[must_use]
    pub const fn segments_done(&self) -> usize {
        self.done
    }

    /// Paths of census and Parquet of the next segment; `None` when all are done.
    #[must_use]
    pub fn next_segment(&self) -> Option<(&str, &str)> {
        let manifest = &self.wanted.get(self.done)?.manifest;
        Some((&manifest.census_path, &manifest.parquet_path))
    }

    /// Adds the census of the next segment.
    ///
    /// # Errors
    ///
    /// It is not the one that was sealed.
    ///
    /// # Panics
    ///
    /// There is no next segment.
    pub fn add_census(&mut self, census: &[u8]) -> Result<Need, PackError> {
        let segment = next(&self.wanted, self.done);
        let path = segment.manifest.census_path.as_str();
        let opened = segment.open_census(path, census)?;
        self.censuses.push(text(path, census)?.to_owned());
        let agent = self.scope.agent_id();
        if opened.agents.keys().any(|(agent_id, _)| agent_id == agent) {
            return Ok(Need::Parquet);
        }
        self.done += 1;
        Ok(Need::Nothing)
    }

    /// Adds the Parquet object of the segment whose census was added last.
    ///
    /// # Errors
    ///
    /// It is not the one that was sealed.
    ///
    /// # Panics
    ///
    /// There is no next segment, or its census was not added.
    pub fn add_segment(&mut self, parquet: &Bytes) -> Result<(), PackError> {
        let segment = next(&self.wanted, self.done);
        assert!(self.censuses.len() == self.done + 1, "a segment is added after its census");
        let path = segment.manifest.parquet_path.as_str();
        let unreadable = |error: String| Fault::new("rows and leaves", path, "a segment", error);
        let facts = &segment.manifest.facts;
        if ObjectFacts::of(parquet) != facts.parquet {
            let fault = Fault::new("object digest", path, "the bytes that were sealed", "others");
            return Err(fault.into());
        }
        let checked = read::check(parquet).map_err(|error| unreadable(error.to_string()))?;
        same_facts(path, facts, &checked.facts)?;
        let tree =
            SegmentTree::build(checked.leaves).map_err(|error| unreadable(error.to_string()))?;
        let numbers = self
            .events
            .append(parquet, self.scope.agent_id())
            .map_err(|error| unreadable(error.clone()))?;
        // The census says that there is a row of the agent.
        let nodes =
            tree.prove_many(&numbers).ok_or_else(|| unreadable("no such row".to_owned()))?;
        self.places.push(Place::of(segment.entry, &numbers, nodes).line());
        self.done += 1;
        Ok(())
    }

    /// The pack; everything in it is checked again first.
    ///
    /// # Errors
    ///
    /// See [`PackError`].
    pub fn finish(self, policy: &Policy) -> Result<Bytes, PackError> {
        let events: Bytes = self.events.finish().map_err(PackError::Columns)?.into();
        let content = Content {
            checkpoint: &self.checkpoint,
            head: &self.log.head,
            entries: split(name::ENTRIES, self.log.entries.as_bytes())?,
            nodes: split(name::NODES, self.log.nodes.as_bytes())?,
            censuses: self.censuses.iter().map(String::as_str).collect(),
            proofs: self.places.iter().map(String::as_str).collect(),
            events: events.clone(),
        };
        let summary = content.check(&self.scope, policy, &mut Vec::new())?;
        let derived = Derived::new(&self.scope, &self.generator, &summary, &events)?;
        let (censuses, proofs) = (join(&self.censuses), join(&self.places));
        container::write(&[
            (name::CHECKPOINT, self.checkpoint.as_bytes()),
            (name::CSV, &derived.csv),
            (name::EVENTS, &events),
            (name::CENSUSES, censuses.as_bytes()),
            (name::ENTRIES, self.log.entries.as_bytes()),
            (name::HEAD, &self.log.head),
            (name::NODES, self.log.nodes.as_bytes()),
            (name::PACK, &derived.pack),
            (name::PROOFS, proofs.as_bytes()),
            (name::REPORT, &derived.report),
        ])
        .map(Bytes::from)
        .ok_or(PackError::TooLarge)
    }
}

fn next(wanted: &[Wanted], done: usize) -> &Wanted {
    match wanted.get(done) {
        Some(segment) => segment,
        None => unreachable!("all {done} segments of the pack were added"),
    }
}
