//! The proof of one event (`driftseal/proof/v1`): everything that leads from its values to the
//! signed checkpoint of the log, in one JSON document that verifies without the archive.
//!
//! The steps: the values give the leaf's preimage (values of erasable fields through their salted
//! commitments), the preimage the leaf, the leaf and a path the root of the segment, which the
//! manifest names, which is an entry of the log, whose checkpoint the log signed, and which a
//! sealer signed. A sealer whose key the log accepted is believed because of the entries that did, which the document
//! holds.

mod document;
mod preimage;
mod probe;
mod value;
mod verify;

use bytes::Bytes;
use event::column;
use merkle::tlog_proof::TlogProof;
use merkle::tree::SegmentTree;
use merkle::{Hash, hash};
use thiserror::Error;

pub use self::document::{EventProof, Field, KeyEntry, PROOF_FORMAT};
pub use self::probe::{RangeRead, may_hold};
pub use self::verify::{ProofReport, ProofStep, verify_document};

use crate::facts::ObjectFacts;
use crate::fault::{Distrust, Fault};
use crate::fsck::same_facts;
use crate::leaf::Salts;
use crate::manifest::SegmentManifest;
use crate::read::{self, ReadError, Row};
use crate::replay::Entry;

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProveError {
    /// The archive does not hold what was sealed.
    #[error("failed to prove an event: {0}")]
    Fault(#[from] Fault),
    /// The archive cannot be judged.
    #[error("failed to prove an event: {0}")]
    Distrust(Distrust),
}

/// Which event of a segment is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// The first with this id.
    Id(&'a str),
    /// That of the record at this offset.
    Offset(i64),
}

/// Proves an event of a segment, up to the manifest; [`EventProof::place_in_log`] adds the rest.
/// `None` if the segment does not hold it.
///
/// # Errors
///
/// The object is not the one that was sealed.
pub fn prove(
    sought: Sought<'_>,
    parquet: &Bytes,
    entry: &Entry,
) -> Result<Option<EventProof>, ProveError> {
    let Some(manifest) = entry.opened.manifest.segment() else { return Ok(None) };
    let path = manifest.parquet_path.as_str();
    let fault = |error: &dyn std::fmt::Display| {
        Fault::new("rows and leaves", path, "a segment", error.to_string())
    };
    if ObjectFacts::of(parquet) != manifest.facts.parquet {
        return Err(
            Fault::new("object digest", path, "the bytes that were sealed", "others").into()
        );
    }
    let Some((index, mut proof)) =
        find(sought, parquet, manifest).map_err(|error| fault(&error))?
    else {
        return Ok(None);
    };
    let checked = read::check(parquet).map_err(|error| fault(&error))?;
    same_facts(path, &manifest.facts, &checked.facts)?;
    let tree = SegmentTree::build(checked.leaves).map_err(|error| fault(&error))?;
    let Some(segment_path) = tree.prove(index) else {
        unreachable!("row {index} of {path} has a leaf")
    };
    proof.segment_path = segment_path.iter().map(hash::to_hex).collect();
    proof.manifest.clone_from(&entry.envelope);
    Ok(Some(proof))
}

impl EventProof {
    /// Adds the place of the manifest in the log: the index of its entry, its audit path, and the
    /// checkpoint that the path leads to.
    pub fn place_in_log(&mut self, index: u64, path: Vec<Hash>, checkpoint: &str) {
        let in_log = TlogProof { index, path, checkpoint: checkpoint.to_owned() };
        self.tlog_proof = in_log.to_text();
    }

    /// Adds an entry that accepts the key of a sealer, with its audit path to the same checkpoint. All of them
    /// before the manifest are added, in the order of the log.
    pub fn add_key(&mut self, entry: &Entry, path: &[Hash]) {
        self.keys.push(KeyEntry {
            envelope: entry.envelope.clone(),
            index: entry.index.to_string(),
            path: path.iter().map(hash::to_hex).collect(),
        });
    }
}

/// The row: its index, and the proof without its paths.
fn find(
    sought: Sought<'_>,
    parquet: &Bytes,
    manifest: &SegmentManifest,
) -> Result<Option<(u64, EventProof)>, ReadError> {
    let mut found = None;
    let mut index = 0_u64;
    read::for_each_row(parquet, |_, row| {
        let event_id = row.event.text(column::EVENT_ID);
        let is_it = match sought {
            Sought::Id(wanted) => event_id == Some(wanted),
            Sought::Offset(offset) => row.offset == offset,
        };
        if let Some(event_id) = event_id.filter(|_| is_it && found.is_none()) {
            found = Some((index, open_row(event_id, row, index, manifest)));
        }
        index += 1;
        Ok::<(), ReadError>(())
    })?;
    Ok(found)
}

/// What is shown of a row: all values, and the salts of those that can be erased.
fn open_row(event_id: &str, row: &Row<'_>, index: u64, manifest: &SegmentManifest) -> EventProof {
    let partition = &manifest.facts.partition;
    let salts = row.salt.as_ref().map(Salts::new);
    let mut fields = Vec::new();
    for (column, cell) in row.event.cells() {
        let described = event::schema().column(*column);
        let salt = if described.erasable {
            let kept = row.kept_salts.iter().find(|(path, _)| *path == described.path);
            salts
                .as_ref()
                .map(|salts| salts.of(&described.path))
                .or_else(|| kept.map(|(_, salt)| *salt))
        } else {
            None
        };
        fields.push(Field::new(&described.path, cell, salt.as_ref()));
    }
    for (path, commitment) in &row.erased_commitments {
        fields.push(Field::erased(path, commitment));
    }
    fields.sort_by(|a, b| a.path.cmp(&b.path));
    EventProof {
        format: PROOF_FORMAT.to_owned(),
        event_id: event_id.to_owned(),
        topic: partition.topic.to_string(),
        partition: partition.partition,
        offset: row.offset.to_string(),
        timestamp_ms: row.timestamp_ms.to_string(),
        timestamp_type: row.timestamp_type as u8,
        schema_id: row.schema_id.to_owned(),
        record_digest: hash::to_hex(&row.record_digest),
        fields,
        leaf: hash::to_hex(&row.leaf),
        index: index.to_string(),
        segment_path: Vec::new(),
        manifest: String::new(),
        tlog_proof: String::new(),
        keys: Vec::new(),
    }
}
