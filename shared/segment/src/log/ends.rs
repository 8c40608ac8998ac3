//! Where the chain of each partition ends, and what may continue it.

use std::collections::BTreeMap;

use event::TopicPartition;
use merkle::{Hash, hash};

use super::error::CommitError;
use crate::manifest::{HeadRef, Manifest, OpenedManifest, SegmentManifest};

/// End of the chain of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// Identity of the topic.
    pub topic_id: String,
    /// Where the next segment begins.
    pub next_offset: i64,
    /// Digest of the last manifest: `previous` of the next.
    pub manifest: Hash,
    /// Number of the next manifest.
    pub next_sequence: u64,
    /// Number of the commit that holds the last manifest.
    pub commit: u64,
    /// Largest timestamp of the partition, milliseconds since the epoch.
    pub max_timestamp_ms: i64,
    /// Milliseconds by which a timestamp lies behind the largest of the segments before it, at most;
    /// 0 where brokers set the timestamps and their clocks agree.
    pub disorder_ms: u64,
    /// Mark of the last record: a digest that only sealers of the log can compute.
    pub last_record: Hash,
    /// Digest of the schemas of other writers that the partition knows there.
    pub writer_schemas: Option<Hash>,
}

/// What a log knows of its chains: verified ends, and those of a commit that is being verified.
pub(super) struct Ends<'a> {
    pub(super) origin: &'a str,
    pub(super) cluster: &'a str,
    pub(super) commit: u64,
    /// The log before the commit; `None` before the first.
    pub(super) head: Option<HeadRef>,
    pub(super) verified: &'a BTreeMap<TopicPartition, ChainEnd>,
    pub(super) new: BTreeMap<TopicPartition, ChainEnd>,
}

impl Ends<'_> {
    /// Checks that an entry continues the log and the chain of its partition, and moves the end.
    pub(super) fn follow(
        &mut self,
        index: u64,
        opened: &OpenedManifest,
    ) -> Result<(), CommitError> {
        let manifest = &opened.manifest;
        same(index, "log", self.origin, manifest.log())?;
        match manifest {
            Manifest::Segment(segment) => self.extend(index, segment, &opened.digest),
            Manifest::Installation(_) | Manifest::Key(_) | Manifest::Amendment(_) => {
                // Only the first entry of a log is, and always is, an installation.
                let expected =
                    if index == 0 { "installation" } else { "segment, key or amendment" };
                let is_first = matches!(manifest, Manifest::Installation(_));
                if is_first == (index == 0) {
                    Ok(())
                } else {
                    same(index, "kind", expected, manifest.kind())
                }
            }
            Manifest::Unknown(unknown) => {
                Err(CommitError::UnknownKind { index, kind: unknown.kind.clone() })
            }
        }
    }

    fn extend(
        &mut self,
        index: u64,
        manifest: &SegmentManifest,
        digest: &Hash,
    ) -> Result<(), CommitError> {
        if index == 0 {
            return same(index, "kind", "installation", "segment");
        }
        let facts = &manifest.facts;
        same(index, "cluster", self.cluster, &manifest.cluster)?;
        let end = self.new.get(&facts.partition).or_else(|| self.verified.get(&facts.partition));
        let sequence = end.map_or(0, |end| end.next_sequence);
        same(index, "sequence", &sequence.to_string(), &manifest.sequence.to_string())?;
        let hex = |digest: Option<&Hash>| digest.map_or_else(|| "none".to_owned(), hash::to_hex);
        let previous = end.map(|end| &end.manifest);
        same(index, "previous manifest", &hex(previous), &hex(manifest.previous.as_ref()))?;
        let show = |head: Option<&HeadRef>| {
            let text = |head: &HeadRef| format!("{} {}", head.sequence, hash::to_hex(&head.sha256));
            head.map_or_else(|| "none".to_owned(), text)
        };
        same(index, "head", &show(self.head.as_ref()), &show(Some(&manifest.head)))?;
        let mut disorder_ms = 0;
        let mut max_timestamp_ms = facts.max_timestamp_ms;
        if let Some(end) = end {
            // A topic that was deleted and created again is another topic: its offsets restart.
            same(index, "topic id", &end.topic_id, &manifest.topic_id)?;
            let (expected, found) = (end.next_offset, facts.first_offset);
            same(index, "first offset", &expected.to_string(), &found.to_string())?;
            disorder_ms = end.disorder_ms;
            if facts.min_timestamp_ms < end.max_timestamp_ms {
                let behind = end.max_timestamp_ms.abs_diff(facts.min_timestamp_ms);
                disorder_ms = disorder_ms.max(behind);
            }
            max_timestamp_ms = max_timestamp_ms.max(end.max_timestamp_ms);
        }
        let (expected, found) = (max_timestamp_ms, manifest.largest_timestamp_ms);
        same(index, "largest timestamp", &expected.to_string(), &found.to_string())?;
        let next_sequence = sequence.checked_add(1).ok_or_else(|| CommitError::Chain {
            index,
            what: "sequence",
            expected: "a number with a successor".to_owned(),
            found: sequence.to_string(),
        })?;
        let end = ChainEnd {
            topic_id: manifest.topic_id.clone(),
            next_offset: facts.next_offset,
            manifest: *digest,
            next_sequence,
            commit: self.commit,
            max_timestamp_ms,
            disorder_ms,
            last_record: manifest.last_record,
            writer_schemas: manifest.writer_schemas,
        };
        self.new.insert(facts.partition.clone(), end);
        Ok(())
    }
}

fn same(index: u64, what: &'static str, expected: &str, found: &str) -> Result<(), CommitError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_owned());
    Err(CommitError::Chain { index, what, expected, found })
}
