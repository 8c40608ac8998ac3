//! From buffered records to stored segments that nobody knows of yet.

use archive::{Archive, ArchiveError};
use bytes::Bytes;
use event::{Decoder, Reason, Record, TopicPartition, column, schema};
use segment::build::{BuildError, SegmentBuilder};
use segment::facts::SegmentFacts;
use segment::read;
use segment::sealer::{Cause, Sealable};

use crate::RunError;
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
    /// Records that did not decode.
    pub(crate) quarantined: Vec<(Reason, u64)>,
    pub(crate) cause: Cause,
}

/// Builds and stores segments.
#[derive(Debug)]
pub(crate) struct Storer {
    archive: Archive,
    retry: Retry,
    decoder: Decoder,
}

impl Storer {
    pub(crate) const fn new(archive: Archive, retry: Retry, decoder: Decoder) -> Self {
        Self { archive, retry, decoder }
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
    pub(crate) fn store(&self, seal: Sealable) -> Result<Vec<Stored>, RunError> {
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
        let mut builder = SegmentBuilder::new(&partition, first_offset);
        if let Some(offset) = lost_before {
            builder.mark_lost_before(offset).map_err(failed(first_offset))?;
        }
        let mut quarantined = [0_u64; Reason::ALL.len()];
        for batch in batches {
            let mut salts = vec![[0; SALT_BYTES]; batch.len()];
            fill_random(salts.as_flattened_mut())?;
            for (record, salt) in batch.records().zip(salts) {
                if builder.is_full() {
                    let next = builder.next_offset();
                    let full =
                        std::mem::replace(&mut builder, SegmentBuilder::new(&partition, next));
                    stored.push(self.put(full, &partition, &mut quarantined, cause)?);
                }
                let decoded = self.decoder.decode(&record);
                if let Some(fault) = &decoded.fault {
                    let counts = Reason::ALL.iter().zip(&mut quarantined);
                    for (_, count) in counts.filter(|(reason, _)| **reason == fault.reason) {
                        *count += 1;
                    }
                }
                builder.push(&record, &decoded, salt).map_err(failed(record.offset))?;
            }
        }
        stored.push(self.put(builder, &partition, &mut quarantined, cause)?);
        Ok(stored)
    }

    /// Stores a segment, and derives everything about it again from what the archive gives back: a
    /// bit that turns on the way to the disk is found before anything is signed.
    fn put(
        &self,
        builder: SegmentBuilder,
        partition: &TopicPartition,
        quarantined: &mut [u64; Reason::ALL.len()],
        cause: Cause,
    ) -> Result<Stored, RunError> {
        let next = builder.next_offset();
        let failed =
            |detail: String| RunError::Build { partition: partition.clone(), offset: next, detail };
        let built = builder.finish().map_err(|error| failed(error.to_string()))?;
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

        let rows = usize::try_from(built.facts.count)
            .map_err(|_| failed("it has more records than fit in memory".into()))?;
        let quarantined = std::mem::take(quarantined);
        let quarantined = Reason::ALL.into_iter().zip(quarantined).filter(|(_, count)| *count > 0);
        Ok(Stored {
            facts: built.facts,
            rows,
            parquet_path,
            census_path,
            quarantined: quarantined.collect(),
            cause,
        })
    }

    fn put_and_read_back(&self, path: &str, bytes: &Bytes) -> Result<Bytes, RunError> {
        match self.retry.run(|| self.archive.put_new(path, bytes.clone())) {
            // The name is random: it can only be there because an earlier attempt's answer was lost.
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
