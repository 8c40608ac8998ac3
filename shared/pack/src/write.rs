//! Makes a pack from the log and the segments of an archive, in memory that does not grow with it.
//!
//! Rows go to Parquet as their segments are read; the tables for spreadsheets come after, from the
//! Parquet that was written, because only then is known which fields have a value.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, Write};
use std::mem;

use bytes::Bytes;
use event::ColumnId;
use merkle::note::SigningKey;
use merkle::tree::SegmentTree;
use merkle::{Hash, hash};
use segment::excerpt::Excerpt;
use segment::facts::ObjectFacts;
use segment::fault::{Distrust, Fault};
use segment::fsck::same_facts;
use segment::policy::Policy;
use segment::read::{self, ReadError};
use thiserror::Error;

use crate::document::Claims;
use crate::facts::{Counter, LogFacts};
use crate::fields::Fields;
use crate::hide::hide;
use crate::lines::{put, text};
use crate::place::Place;
use crate::scope::Scope;
use crate::table::{Columns, Pages, StoredRow, TableFault, TableWriter};
use crate::wanted::{Counted, Wanted, check_complete};
use crate::zip::ZipWriter;
use crate::{coverage, csv, html, log, names, parts, signature};

/// Why there is no pack.
#[derive(Debug, Error)]
pub enum PackError {
    /// The archive does not hold what was sealed, or the policy does not trust it.
    #[error("failed to make a pack: {0}")]
    Distrust(#[from] Distrust),
    /// The columns could not be written; our bug, or out of memory.
    #[error("failed to make a pack: {0}")]
    Columns(String),
    /// It cannot be written.
    #[error("failed to write a pack: {0}")]
    Write(#[from] io::Error),
    /// An object cannot be read.
    #[error("failed to make a pack: {0}")]
    Object(String),
}

impl From<Fault> for PackError {
    fn from(fault: Fault) -> Self {
        Self::Distrust(fault.into())
    }
}

/// What a pack is to be made of.
#[derive(Debug)]
pub struct Request<'r> {
    /// What it is about.
    pub scope: Scope,
    /// Fields whose values it must not hold. All of them must be erasable.
    pub withheld: BTreeSet<ColumnId>,
    /// Name and version of the program.
    pub generator: &'r str,
    /// The log's last checkpoint.
    pub checkpoint: &'r str,
    /// What of the log decides about the period.
    pub excerpt: Excerpt,
    /// Whom to believe.
    pub policy: &'r Policy,
    /// Signs the pack.
    pub key: &'r SigningKey,
}

/// The objects of an archive.
pub trait Objects {
    /// Reads an object of that size.
    ///
    /// # Errors
    ///
    /// It cannot be read, in words.
    fn get(&mut self, path: &str, size_bytes: u64) -> Result<Bytes, String>;

    /// So many segments of so many are done.
    fn progress(&mut self, done: u64, total: u64);
}

/// Makes a pack, and gives back where it was written to. Whoever hands it out verifies it first.
///
/// # Errors
///
/// See [`PackError`].
pub fn write<T: Read + Write + Seek>(
    to: T,
    request: Request<'_>,
    objects: &mut dyn Objects,
) -> Result<T, PackError> {
    let Request { scope, withheld, generator, checkpoint: note, excerpt, policy, key } = request;
    let checkpoint = policy.open_checkpoint(names::CHECKPOINT, note)?;
    let leaves: Vec<_> = excerpt.entries.iter().map(|entry| (entry.index, entry.leaf)).collect();
    Excerpt::check_tree(&excerpt.head, &leaves, &excerpt.nodes, &checkpoint, names::ENTRIES)?;
    let ends = excerpt.check(scope.period())?;
    let unsealed = excerpt.unsealed(&ends)?;

    let mut zip = ZipWriter::new(to);
    let entry = |name: &str| name.to_owned();
    zip.deflate(entry(names::CHECKPOINT), |to| to.write_all(note.as_bytes()))?;
    zip.deflate(entry(names::ENTRIES), |to| log::put_entries(to, &excerpt))?;
    zip.deflate(entry(names::HEAD), |to| to.write_all(&excerpt.head.to_bytes()))?;
    zip.deflate(entry(names::NODES), |to| log::put_nodes(to, &excerpt))?;
    let mut fields = Fields::default();
    excerpt.entries.iter().for_each(|entry| fields.note(entry.index, &entry.opened));
    let mut wanted = Wanted::all(&scope, excerpt);
    let mut counted = Counted::default();
    zip.deflate(entry(names::CENSUSES), |to| {
        wanted.iter_mut().try_for_each(|segment| {
            let path = segment.manifest.census_path.clone();
            let size = segment.manifest.facts.census.size_bytes;
            let census = objects.get(&path, size).map_err(PackError::Object)?;
            segment.count(&scope, &path, &census, &fields, &mut counted)?;
            Ok::<(), PackError>(put(to, text(&path, &census)?)?)
        })
    })?;

    let mut counter = Counter::default();
    let facts = &mut counter.facts;
    let of_segments = wanted.iter().map(|wanted| &wanted.manifest.facts);
    facts.coverage = coverage::coverage(&scope, &ends, of_segments)?;
    let (origin, root) = (checkpoint.origin, hash::to_hex(&checkpoint.root));
    facts.log = LogFacts { origin, root, size: checkpoint.size };
    facts.quarantined_of_any_agent = counted.quarantined;
    facts.segments_in_period = wanted.len() as u64;
    facts.segments_with_events =
        wanted.iter().filter(|wanted| !wanted.expected.is_empty()).count() as u64;
    facts.similar_names = counted.names.list();
    facts.unsealed = unsealed;

    let columns = Columns::of(&counted.columns);
    let mut files = Files::new(zip, &columns);
    let total = wanted.len() as u64;
    for (done, segment) in (1..).zip(&mut wanted) {
        if !segment.expected.is_empty() {
            add_segment(&mut files, segment, &scope, &withheld, &mut counter, objects)?;
        }
        objects.progress(done, total);
    }
    check_complete(&wanted)?;
    let (mut zip, written) = files.finish()?;
    counter.facts.files = written.len() as u64;
    let facts = counter.finish();
    let mut claims = Claims {
        generator: generator.to_owned(),
        report: html::WORDING.to_owned(),
        scope,
        withheld,
        columns: Vec::new(),
    };
    claims.columns = facts.columns.iter().filter_map(|path| event::schema().id(path)).collect();
    for (file, Written { offset, size }) in written.into_iter().enumerate() {
        let content = zip.read_back(offset, size)?;
        zip.deflate(names::csv(file), |to| put_csv(to, &claims, &columns, &content))?;
    }
    zip.deflate(entry(names::PACK), |to| to.write_all(claims.to_text(&facts).as_bytes()))?;
    let page = html::render(&claims.scope, &facts);
    zip.deflate(entry(names::REPORT), |to| to.write_all(page.as_bytes()))?;
    let sums: Vec<String> =
        zip.digests().map(|(name, digest)| parts::line(name, digest) + "\n").collect();
    let sums = sums.concat();
    zip.deflate(entry(names::SUMS), |to| to.write_all(sums.as_bytes()))?;
    let note = signature::sign(key, &hash::sha256(sums.as_bytes()));
    zip.deflate(entry(names::SIGNATURE), |to| to.write_all(note.as_bytes()))?;
    Ok(zip.finish()?)
}

/// Adds the rows of a segment that are of the agent.
fn add_segment<T: Read + Write + Seek>(
    files: &mut Files<'_, T>,
    segment: &mut Wanted,
    scope: &Scope,
    withheld: &BTreeSet<ColumnId>,
    counter: &mut Counter,
    objects: &mut dyn Objects,
) -> Result<(), PackError> {
    let path = segment.manifest.parquet_path.clone();
    let facts = &segment.manifest.facts;
    let parquet = objects.get(&path, facts.parquet.size_bytes).map_err(PackError::Object)?;
    let unreadable =
        |error: String| Fault::new("rows and leaves", path.as_str(), "a segment", error);
    if ObjectFacts::of(&parquet) != facts.parquet {
        let expected = "the bytes that were sealed";
        return Err(Fault::new("object digest", path.as_str(), expected, "others").into());
    }
    let mut numbers = Vec::new();
    let found = &mut segment.found;
    let checked = read::check_each(&parquet, |partition, number, row| {
        if row.event.text(event::column::AGENT_ID) != Some(scope.agent_id()) {
            return Ok(());
        }
        numbers.push(number);
        let kind = row.event.text(event::column::KIND).unwrap_or_default();
        *found.entry(kind.to_owned()).or_default() += 1;
        let stored = hide(partition, row, withheld);
        counter.count(scope, withheld, &stored);
        files.add(&stored)
    });
    let checked = checked.map_err(|error| match error {
        Refused::Read(error) => unreadable(error.to_string()).into(),
        Refused::Pack(error) => error,
    })?;
    same_facts(&path, facts, &checked.facts)?;
    let tree = SegmentTree::build(checked.leaves).map_err(|error| unreadable(error.to_string()))?;
    // The census says that there is a row of the agent.
    let nodes: Option<Vec<Hash>> = tree.prove_many(&numbers);
    let nodes = nodes.ok_or_else(|| unreadable("no such row".to_owned()))?;
    files.proofs.push(Place::of(segment.entry, &numbers, nodes).line());
    Ok(())
}

/// Why the rows of a segment are not added.
enum Refused {
    Read(ReadError),
    Pack(PackError),
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// Where the content of a file is, and its size.
struct Written {
    offset: u64,
    size: usize,
}

/// The files of events that are being written.
struct Files<'c, T> {
    zip: ZipWriter<T>,
    columns: &'c Columns,
    table: TableWriter,
    /// Lines of the segments that ended in this file.
    proofs: Vec<String>,
    written: Vec<Written>,
}

impl<'c, T: Read + Write + Seek> Files<'c, T> {
    fn new(zip: ZipWriter<T>, columns: &'c Columns) -> Self {
        let table = TableWriter::new(columns);
        Self { zip, columns, table, proofs: Vec::new(), written: Vec::new() }
    }

    fn add(&mut self, row: &StoredRow<'_>) -> Result<(), Refused> {
        if !self.table.has_room(row) && self.table.rows() > 0 {
            self.end_file().map_err(Refused::Pack)?;
        }
        if !self.table.has_room(row) {
            let error = format!("the record at offset {} is too large for a pack", row.offset);
            return Err(Refused::Pack(PackError::Columns(error)));
        }
        self.table.push(row);
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), PackError> {
        let file = self.written.len();
        let table = mem::replace(&mut self.table, TableWriter::new(self.columns));
        let content = table.finish().map_err(PackError::Columns)?;
        let offset = self.zip.store(names::parquet(file), &content)?;
        self.written.push(Written { offset, size: content.len() });
        let proofs = mem::take(&mut self.proofs);
        self.zip
            .deflate(names::proofs(file), |to| proofs.iter().try_for_each(|line| put(to, line)))?;
        Ok(())
    }

    fn finish(mut self) -> Result<(ZipWriter<T>, Vec<Written>), PackError> {
        if self.table.rows() > 0 {
            self.end_file()?;
        }
        Ok((self.zip, self.written))
    }
}

/// Writes the table of a file of events.
fn put_csv(
    to: &mut dyn Write,
    claims: &Claims,
    columns: &Columns,
    content: &[u8],
) -> Result<(), PackError> {
    let wrong = |fault: TableFault| PackError::Columns(format!("what was written: {fault}"));
    let pages = Pages::open(content, columns).map_err(wrong)?;
    let mut table = pages.table().map_err(wrong)?;
    to.write_all(csv::header(&claims.columns).as_bytes())?;
    while let Some(row) = table.next_row().map_err(wrong)? {
        if claims.scope.contains(row.timestamp_ms) {
            to.write_all(csv::row(&claims.columns, &row).as_bytes())?;
        }
    }
    Ok(())
}
