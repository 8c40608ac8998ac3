//! The proof of one event (`driftseal/proof/v1`): everything that leads from its values to the
//! signed checkpoint of the log, in one JSON document that verifies without the archive.
//!
//! The steps: the values give the leaf's preimage (values of erasable fields through their salted
//! commitments), the preimage the leaf, the leaf and a path the root of the segment, which the
//! manifest names, which a sealer signed, which is an entry of the log, whose checkpoint the log
//! signed.

mod document;
mod preimage;
mod value;
mod verify;

use bytes::Bytes;
use event::column;
use merkle::tlog_proof::TlogProof;
use merkle::tree::SegmentTree;
use merkle::{hash, rfc6962};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use thiserror::Error;

pub use self::document::{EventProof, Field, PROOF_FORMAT};
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

/// Whether a segment may hold an event with this id; never a wrong "no".
///
/// Reads the bloom filters of the file, not its rows.
#[must_use]
pub fn may_hold(parquet: &Bytes, event_id: &str) -> bool {
    let options = ReadOptionsBuilder::new()
        .with_reader_properties(ReaderProperties::builder().set_read_bloom_filter(true).build())
        .build();
    let Ok(file) = SerializedFileReader::new_with_options(parquet.clone(), options) else {
        return true;
    };
    let columns = file.metadata().file_metadata().schema_descr().columns().to_vec();
    let Some(column) = columns.iter().position(|column| column.path().string() == "event_id")
    else {
        return true;
    };
    (0..file.num_row_groups()).any(|group| match file.get_row_group(group) {
        Ok(group) => {
            group.get_column_bloom_filter(column).is_none_or(|filter| filter.check(event_id))
        }
        Err(_) => true,
    })
}

/// Proves the first event of a segment that has this id; `None` if it holds none.
///
/// `leaves` are the leaf hashes of all entries of the log and `checkpoint` vouches for exactly these.
///
/// # Errors
///
/// The object is not the one that was sealed.
pub fn prove(
    event_id: &str,
    parquet: &Bytes,
    entry: &Entry,
    leaves: &[merkle::Hash],
    checkpoint: &str,
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
        find(event_id, parquet, manifest).map_err(|error| fault(&error))?
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
    let in_log = rfc6962::prove_inclusion(leaves, entry.index).ok_or_else(|| {
        let expected = format!("a leaf of entry {}", entry.index);
        Fault::new("leaves of the log", path, expected, format!("{} leaves", leaves.len()))
    })?;
    let in_log = TlogProof { index: entry.index, path: in_log, checkpoint: checkpoint.to_owned() };
    proof.manifest.clone_from(&entry.envelope);
    proof.tlog_proof = in_log.to_text();
    Ok(Some(proof))
}

/// The first row with that id: its index, and the proof without its paths.
fn find(
    event_id: &str,
    parquet: &Bytes,
    manifest: &SegmentManifest,
) -> Result<Option<(u64, EventProof)>, ReadError> {
    if !may_hold(parquet, event_id) {
        return Ok(None);
    }
    let mut found = None;
    let mut index = 0_u64;
    read::for_each_row(parquet, |_, row| {
        if found.is_none() && row.event.text(column::EVENT_ID) == Some(event_id) {
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
    }
}
