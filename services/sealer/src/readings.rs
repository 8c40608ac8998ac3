//! How partitions are read whose records may be of other writers: which records are taken now, and what
//! is known of their schemas where the sealed part of a partition ends.

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError};
use event::{Batch, BatchBuilder, Decoder, SchemaKey, TopicPartition};
use governance::{Look, Reader, Schemas, Trust};
use merkle::{Hash, hash};
use segment::layout;
use segment::manifest::{Installation, KeyUse};
use tracing::warn;

use crate::RunError;
use crate::retry::Retry;

/// Whose answers count in an installation: those of the processors that the first entry of the log names.
pub(crate) fn trust(origin: &str, installation: &Installation) -> Result<Trust, RunError> {
    let keys = installation.keys.iter().filter(|key| key.used_for == KeyUse::Processor);
    let of = governance::Installation {
        origin: origin.to_owned(),
        topic_prefix: installation.topic_prefix.clone(),
    };
    let none: [&String; 0] = [];
    Trust::parse(of, keys.map(|key| &key.key), none)
        .map_err(|error| RunError::Config(vec![error.to_string()]))
}

/// How one partition is read.
#[derive(Debug)]
pub(crate) struct Reading {
    reader: Reader,
    /// What is known where the sealed part ends.
    sealed: Schemas,
}

impl Reading {
    /// The decoder of the records that were taken.
    pub(crate) const fn decoder(&self) -> &Decoder {
        self.reader.decoder()
    }

    /// What is known where the sealed part ends.
    pub(crate) const fn sealed(&self) -> &Schemas {
        &self.sealed
    }
}

/// How the partitions are read.
#[derive(Debug)]
pub(crate) struct Readings {
    trust: Trust,
    base: Decoder,
    partitions: BTreeMap<TopicPartition, Reading>,
}

impl Readings {
    pub(crate) const fn new(trust: Trust, base: Decoder) -> Self {
        Self { trust, base, partitions: BTreeMap::new() }
    }

    /// Whose answers count.
    pub(crate) const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Begins to read a partition where its sealed part ends, with the document of what is known there.
    pub(crate) fn begin(
        &mut self,
        partition: &TopicPartition,
        document: Option<Hash>,
        archive: (&Archive, &Retry),
    ) -> Result<(), RunError> {
        let sealed = match document {
            None => Schemas::default(),
            Some(digest) => load(&digest, archive)?,
        };
        let reader = Reader::new(self.trust.clone(), self.base.clone(), sealed.clone());
        self.partitions.insert(partition.clone(), Reading { reader, sealed });
        Ok(())
    }

    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.partitions.remove(partition);
    }

    pub(crate) fn of(&self, partition: &TopicPartition) -> Option<&Reading> {
        self.partitions.get(partition)
    }

    /// The sealed part of a partition ends later now, where this is known.
    pub(crate) fn sealed(&mut self, partition: &TopicPartition, known: Schemas) {
        if let Some(reading) = self.partitions.get_mut(partition) {
            reading.sealed = known;
        }
    }

    /// The records of a batch that are taken now, and the offset to read from again if it holds the
    /// answer that a record before it waits for.
    pub(crate) fn screen(&mut self, batch: Batch) -> (Option<Batch>, Option<i64>) {
        // The machine drops what is not ours.
        let Some(reading) = self.partitions.get_mut(batch.partition()) else {
            return (Some(batch), None);
        };
        let (mut taken, mut again) = (0, None);
        for record in batch.records() {
            match reading.reader.look(&record) {
                Look::Take => taken += 1,
                // Nothing behind it is taken.
                Look::Pass => {}
                Look::Return(offset) => {
                    again = Some(offset);
                    break;
                }
            }
        }
        for (offset, doubts) in reading.reader.take_doubts() {
            let (conflicts, refused) = (doubts.conflicts.len(), doubts.refused.len());
            warn!(
                partition = %batch.partition(), offset, conflicts, refused,
                unusable = doubts.unusable.len(),
                "schemas are not used: known with another text already, beyond the limits, or of no use to \
                 this build"
            );
        }
        if taken == batch.len() {
            return (Some(batch), again);
        }
        let mut first = BatchBuilder::new(batch.partition().clone());
        batch.records().take(taken).for_each(|record| first.push_record(&record));
        ((taken > 0).then(|| first.build()), again)
    }

    /// Whether a record of a partition waits for its schema.
    pub(crate) fn is_waiting(&self, partition: &TopicPartition) -> bool {
        self.of(partition).is_some_and(|reading| reading.reader.held().is_some())
    }

    /// The records that wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&TopicPartition, i64, SchemaKey)> {
        let held = |(partition, reading): (_, &Reading)| {
            reading.reader.held().map(|held| (partition, held.at, held.key))
        };
        self.partitions.iter().filter_map(held)
    }
}

fn load(digest: &Hash, (archive, retry): (&Archive, &Retry)) -> Result<Schemas, RunError> {
    let path = layout::schemas(digest);
    let bytes = match retry.run(|| archive.get(&path)) {
        Err(ArchiveError::NotFound { .. }) => {
            return Err(RunError::Schemas { path, found: "there is no such object" });
        }
        outcome => outcome?,
    };
    let schemas = Schemas::parse(&bytes).filter(|_| hash::sha256(&bytes) == *digest);
    schemas.ok_or(RunError::Schemas { path, found: "it has other content" })
}
