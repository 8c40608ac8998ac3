//! From buffered records to stored segments that nobody knows of yet.

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use event::barrier::reported;
use event::{Decoder, Fault, Reason, Record, TopicPartition, column, schema};
use governance::{Schemas, Trust, take_answer};
use merkle::{Hash, hash};
use ports::mark::{Mark, MarkKey};
use segment::build::{BuildError, SegmentBuilder};
use segment::facts::SegmentFacts;
use segment::sealer::{Cause, Sealable};
use segment::{layout, read};
use tracing::error;

use crate::RunError;
use crate::readings::Reading;
use crate::retry::Retry;

/// Bytes of a row's salt.
const SALT_BYTES: usize = 16;

/// A segment that is stored, was read back and verified, and is not part of the log.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) facts: SegmentFacts,
    /// Records in it.
    pub(crate) rows: usize,
    pub(crate) parquet_path: String,
    pub(crate) census_path: String,
    /// Mark of its last record.
    pub(crate) last_record: Hash,
    /// What is known of schemas of other writers behind it, and the digest of the document with it.
    pub(crate) schemas: Schemas,
    pub(crate) writer_schemas: Option<Hash>,
    /// Records that did not decode.
    pub(crate) quarantined: Vec<(Reason, u64)>,
    pub(crate) cause: Cause,
}

/// Builds and stores segments.
#[derive(Debug)]
pub(crate) struct Storer {
    archive: Archive,
    retry: Retry,
    /// Of our own records.
    decoder: Decoder,
    marks: MarkKey,
}

/// A segment that is being built.
struct Building {
    builder: SegmentBuilder,
    /// Mark of the last record so far; `None` without records.
    last_record: Option<Mark>,
    schemas: Schemas,
    quarantined: [u64; Reason::ALL.len()],
}

impl Building {
    /// Counts a record that is quarantined.
    fn count(&mut self, record: &Record<'_>, fault: Option<&Fault>) {
        let Some(fault) = fault else { return };
        let counts = Reason::ALL.iter().zip(&mut self.quarantined);
        for (_, count) in counts.filter(|(reason, _)| **reason == fault.reason) {
            *count += 1;
        }
        if fault.reason == Reason::Panicked {
            // The processor names the other records; it may not be there to name this one.
            let Record { topic, partition, offset, .. } = *record;
            error!(topic, partition, offset, %fault, "sealing a record as quarantine");
        }
    }
}

impl Storer {
    pub(crate) const fn new(
        archive: Archive,
        retry: Retry,
        decoder: Decoder,
        marks: MarkKey,
    ) -> Self {
        Self { archive, retry, decoder, marks }
    }

    /// Whether a record only says that time passed. Whoever may write to a topic can claim it, and
    /// has the record sealed later by that.
    pub(crate) fn is_heartbeat(&self, record: &Record<'_>) -> bool {
        let decoded = self.decoder.decode(record);
        let kind = decoded.event.text(column::KIND).and_then(|name| schema().kind(name));
        kind.is_some_and(|kind| kind.heartbeat)
    }

    /// Stores the records as one segment, or as several that follow each other where a segment
    /// would have too many gaps or schemas.
    pub(crate) fn store(
        &self,
        seal: Sealable,
        reading: &Reading,
        trust: &Trust,
    ) -> Result<Vec<Stored>, RunError> {
        let Sealable { partition, first_offset, lost_before, batches, cause, .. } = seal;
        let failed = |offset: i64| {
            let partition = partition.clone();
            move |error: BuildError| RunError::Build {
                partition,
                offset,
                detail: error.to_string(),
            }
        };
        let mut stored = Vec::new();
        let mut building = Building {
            builder: SegmentBuilder::new(&partition, first_offset),
            last_record: None,
            schemas: reading.sealed().clone(),
            quarantined: [0; Reason::ALL.len()],
        };
        if let Some(offset) = lost_before {
            building.builder.mark_lost_before(offset).map_err(failed(first_offset))?;
        }
        for batch in batches {
            let mut salts = vec![[0; SALT_BYTES]; batch.len()];
            fill_random(salts.as_flattened_mut())?;
            let mut last = None;
            for (record, salt) in batch.records().zip(salts) {
                if building.builder.is_full() {
                    self.mark(&mut building, last.take());
                    let next = Building {
                        builder: SegmentBuilder::new(&partition, building.builder.next_offset()),
                        last_record: None,
                        schemas: building.schemas.clone(),
                        quarantined: [0; Reason::ALL.len()],
                    };
                    let full = std::mem::replace(&mut building, next);
                    stored.push(self.put(full, &partition, cause)?);
                }
                let pushed = reported(|| {
                    // What is not an answer of the processor, the processor counts.
                    let _taken = take_answer(&mut building.schemas, trust, &self.decoder, &record);
                    let decoded = reading.decoder().decode(&record);
                    building.count(&record, decoded.fault.as_ref());
                    building.builder.push(&record, &decoded, salt)
                });
                // Nothing is kept of a segment that may be half built.
                let pushed = pushed.map_err(|panicked| RunError::Build {
                    partition: partition.clone(),
                    offset: record.offset,
                    detail: panicked.to_string(),
                })?;
                pushed.map_err(failed(record.offset))?;
                last = Some(record);
            }
            self.mark(&mut building, last);
        }
        stored.push(self.put(building, &partition, cause)?);
        Ok(stored)
    }

    /// Keeps the mark of the last record of a batch, or of what a segment holds of it.
    fn mark(&self, building: &mut Building, last: Option<Record<'_>>) {
        if let Some(record) = last {
            building.last_record = Some(self.marks.mark(&record));
        }
    }

    /// Stores a segment, and derives everything about it again from what the archive gives back: a
    /// bit that turns on the way to the disk is found before anything is signed.
    fn put(
        &self,
        Building { builder, last_record, schemas, quarantined }: Building,
        partition: &TopicPartition,
        cause: Cause,
    ) -> Result<Stored, RunError> {
        let next = builder.next_offset();
        let failed =
            |detail: String| RunError::Build { partition: partition.clone(), offset: next, detail };
        let built = builder.finish().map_err(|error| failed(error.to_string()))?;
        let Mark(last_record) = last_record.ok_or_else(|| failed("it has no record".into()))?;
        let mut nonce = [0; 4];
        fill_random(&mut nonce)?;
        let name = built
            .facts
            .name(u32::from_be_bytes(nonce))
            .ok_or_else(|| failed("no log has such a topic, partition or offset".into()))?;

        let parquet_path = name.parquet();
        let found = self.put_and_read_back(&parquet_path, &built.parquet)?;
        let differs = |detail: String| RunError::ReadBack { path: parquet_path.clone(), detail };
        let checked = read::check(&found).map_err(|error| differs(error.to_string()))?;
        if checked.facts != built.facts {
            return Err(differs("what was computed from it is not what was built".into()));
        }
        let census_path = name.census();
        self.put_and_read_back(&census_path, &built.census)?;

        let writer_schemas = self.put_schemas(&schemas)?;

        let rows = usize::try_from(built.facts.count)
            .map_err(|_| failed("it has more records than fit in memory".into()))?;
        let quarantined = Reason::ALL.into_iter().zip(quarantined).filter(|(_, count)| *count > 0);
        Ok(Stored {
            facts: built.facts,
            rows,
            parquet_path,
            census_path,
            last_record,
            schemas,
            writer_schemas,
            quarantined: quarantined.collect(),
            cause,
        })
    }

    /// Stores what is known of schemas, unless that is nothing; the name is the digest.
    fn put_schemas(&self, schemas: &Schemas) -> Result<Option<Hash>, RunError> {
        if schemas.is_default() {
            return Ok(None);
        }
        let bytes = Bytes::from(schemas.to_bytes());
        let digest = hash::sha256(&bytes);
        self.put_and_read_back(&layout::schemas(&digest), &bytes)?;
        Ok(Some(digest))
    }

    fn put_and_read_back(&self, path: &str, bytes: &Bytes) -> Result<Bytes, RunError> {
        match self.retry.run(|| self.archive.put_new(path, bytes.clone())) {
            // The name is random, or the digest: it can only be there because an earlier attempt's answer
            // was lost, or with these bytes.
            Ok(()) | Err(ArchiveError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let found = self.retry.run(|| self.archive.get(path))?;
        if found != *bytes {
            let detail = format!("{} bytes were stored, {} read", bytes.len(), found.len());
            return Err(RunError::ReadBack { path: path.into(), detail });
        }
        Ok(found)
    }
}

fn fill_random(bytes: &mut [u8]) -> Result<(), RunError> {
    getrandom::fill(bytes).map_err(|error| RunError::Random(error.to_string()))
}
