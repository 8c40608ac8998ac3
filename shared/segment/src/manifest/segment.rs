//! The manifest of a segment.

use event::TopicPartition;
use merkle::{Hash, hash, tree};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ManifestError;
use super::statement::{self, Subject, digest, number};
use crate::facts::{Gap, GapReason, ObjectFacts, SegmentFacts};
use crate::layout::SegmentName;

pub(super) const KIND: &str = "segment";
const TREE: &str = "rfc6962-sha256-padded";

/// The log after the commit before the one that holds an entry: the number of that commit, and the
/// digest of its head. So the log itself fixes every head on which a segment follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadRef {
    /// Number of the commit.
    pub sequence: u64,
    /// SHA-256 of the payload of its head.
    pub sha256: Hash,
}

/// The manifest of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentManifest {
    /// Origin of the log it is an entry of.
    pub log: String,
    /// Cluster that the records were read from.
    pub cluster: String,
    /// Identity of the topic.
    pub topic_id: String,
    /// Number of the manifest in the chain of its partition, from 0.
    pub sequence: u64,
    /// SHA-256 of the payload of the manifest before it in the chain; `None` for the first.
    pub previous: Option<Hash>,
    /// Largest timestamp of the chain up to and including this segment, milliseconds since the epoch.
    pub largest_timestamp_ms: i64,
    /// Mark of the last record: a digest that only sealers of the log can compute.
    pub last_record: Hash,
    /// Digest of the document with the schemas of other writers that the partition knows behind this
    /// segment; `None` if it knows none and waits for none.
    pub writer_schemas: Option<Hash>,
    /// The log before the commit that holds the manifest.
    pub head: HeadRef,
    /// Path of the Parquet object.
    pub parquet_path: String,
    /// Path of the census object.
    pub census_path: String,
    /// What follows from the bytes.
    pub facts: SegmentFacts,
    /// Name and version of the program that sealed.
    pub sealer: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Predicate {
    census: CensusPart,
    cluster: String,
    count: String,
    fields: Fields,
    first_offset: String,
    first_timestamp_ms: String,
    gaps: Vec<(String, String, String)>,
    head: HeadPart,
    kind: String,
    largest_timestamp_ms: String,
    last_record: String,
    log: String,
    max_timestamp_ms: String,
    min_timestamp_ms: String,
    next_offset: String,
    parquet: ParquetPart,
    partition: i32,
    previous: Option<String>,
    schemas: Vec<String>,
    sealer: String,
    sequence: String,
    topic: String,
    topic_id: String,
    tree: TreePart,
    writer_schemas: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CensusPart {
    root: String,
    rows: String,
    size: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    erasable: Vec<String>,
    plain: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadPart {
    sequence: String,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParquetPart {
    size: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreePart {
    algorithm: String,
    root: String,
    size: String,
}

impl SegmentManifest {
    /// What it covers: the segment, then the census.
    #[must_use]
    pub fn subjects(&self) -> [Subject; 2] {
        let subject = |path: &str, object: &ObjectFacts| Subject {
            name: path.to_owned(),
            sha256: object.sha256,
        };
        [
            subject(&self.parquet_path, &self.facts.parquet),
            subject(&self.census_path, &self.facts.census),
        ]
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        statement::to_bytes(Predicate::of(self), &self.subjects())
    }

    /// Reads the JSON. Accepted is only what contradicts itself nowhere: counts, gaps, timestamps,
    /// tree size and paths must agree.
    pub(super) fn parse(value: Value) -> Result<Self, ManifestError> {
        let (predicate, subjects) = statement::open::<Predicate>(value)?;
        let [parquet, census] = <[Subject; 2]>::try_from(subjects)
            .map_err(|_| ManifestError::form("its subjects are not a segment and a census"))?;
        let manifest = predicate.manifest(parquet, census)?;
        manifest.check().map_err(ManifestError::form)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), &'static str> {
        let facts = &self.facts;
        if facts.count == 0 || tree::padded_size(facts.count) != Some(facts.tree_size) {
            return Err("the size of the tree is not the next power of two");
        }
        let mut at = facts.first_offset;
        let mut missing = 0_i64;
        for gap in &facts.gaps {
            if gap.start < at || gap.len < 1 {
                return Err("the gaps do not ascend");
            }
            at = gap.start.checked_add(gap.len).ok_or("a gap ends nowhere")?;
            missing = missing.checked_add(gap.len).ok_or("the gaps have no sum")?;
        }
        let range = facts.next_offset.checked_sub(facts.first_offset);
        let records = range.and_then(|range| range.checked_sub(missing));
        let counted = records.and_then(|records| u64::try_from(records).ok());
        if at >= facts.next_offset || counted != Some(facts.count) {
            return Err("the range of offsets is not its records and its gaps");
        }
        if !(facts.min_timestamp_ms..=facts.max_timestamp_ms).contains(&facts.first_timestamp_ms) {
            return Err("the first timestamp is not between the smallest and the largest");
        }
        if self.largest_timestamp_ms < facts.max_timestamp_ms {
            return Err("the largest timestamp of the chain is below that of the segment");
        }
        let name = SegmentName::parse(&self.parquet_path).ok_or("the path is not of a segment")?;
        if facts.name(name.nonce()).as_ref() != Some(&name) || name.census() != self.census_path {
            return Err("the paths are not of this segment");
        }
        Ok(())
    }
}

impl Predicate {
    fn of(manifest: &SegmentManifest) -> Self {
        let facts = &manifest.facts;
        let gap =
            |gap: &Gap| (gap.start.to_string(), gap.len.to_string(), gap.reason.name().to_owned());
        Self {
            census: CensusPart {
                root: hash::to_hex(&facts.census_root),
                rows: facts.census_rows.to_string(),
                size: facts.census.size_bytes.to_string(),
            },
            cluster: manifest.cluster.clone(),
            count: facts.count.to_string(),
            fields: Fields {
                erasable: facts.erasable_fields.clone(),
                plain: facts.plain_fields.clone(),
            },
            first_offset: facts.first_offset.to_string(),
            first_timestamp_ms: facts.first_timestamp_ms.to_string(),
            gaps: facts.gaps.iter().map(gap).collect(),
            head: HeadPart {
                sequence: manifest.head.sequence.to_string(),
                sha256: hash::to_hex(&manifest.head.sha256),
            },
            kind: KIND.to_owned(),
            largest_timestamp_ms: manifest.largest_timestamp_ms.to_string(),
            last_record: hash::to_hex(&manifest.last_record),
            log: manifest.log.clone(),
            max_timestamp_ms: facts.max_timestamp_ms.to_string(),
            min_timestamp_ms: facts.min_timestamp_ms.to_string(),
            next_offset: facts.next_offset.to_string(),
            parquet: ParquetPart { size: facts.parquet.size_bytes.to_string() },
            partition: facts.partition.partition,
            previous: manifest.previous.as_ref().map(hash::to_hex),
            schemas: facts.schema_ids.clone(),
            sealer: manifest.sealer.clone(),
            sequence: manifest.sequence.to_string(),
            topic: facts.partition.topic.to_string(),
            topic_id: manifest.topic_id.clone(),
            tree: TreePart {
                algorithm: TREE.to_owned(),
                root: hash::to_hex(&facts.root),
                size: facts.tree_size.to_string(),
            },
            writer_schemas: manifest.writer_schemas.as_ref().map(hash::to_hex),
        }
    }

    fn manifest(self, parquet: Subject, census: Subject) -> Result<SegmentManifest, ManifestError> {
        statement::expect(TREE, &self.tree.algorithm)?;
        let gap = |(start, len, reason): &(String, String, String)| {
            let reason = GapReason::parse(reason)
                .ok_or_else(|| ManifestError::Form(format!("unknown reason `{reason}`")))?;
            Ok(Gap { start: number(start)?, len: number(len)?, reason })
        };
        let gaps: Result<_, ManifestError> = self.gaps.iter().map(gap).collect();
        let facts = SegmentFacts {
            partition: TopicPartition::new(self.topic.as_str(), self.partition),
            first_offset: number(&self.first_offset)?,
            next_offset: number(&self.next_offset)?,
            count: number(&self.count)?,
            gaps: gaps?,
            first_timestamp_ms: number(&self.first_timestamp_ms)?,
            min_timestamp_ms: number(&self.min_timestamp_ms)?,
            max_timestamp_ms: number(&self.max_timestamp_ms)?,
            tree_size: number(&self.tree.size)?,
            root: digest(&self.tree.root)?,
            census_rows: number(&self.census.rows)?,
            census_root: digest(&self.census.root)?,
            schema_ids: self.schemas,
            plain_fields: self.fields.plain,
            erasable_fields: self.fields.erasable,
            parquet: ObjectFacts {
                sha256: parquet.sha256,
                size_bytes: number(&self.parquet.size)?,
            },
            census: ObjectFacts { sha256: census.sha256, size_bytes: number(&self.census.size)? },
        };
        Ok(SegmentManifest {
            log: self.log,
            cluster: self.cluster,
            topic_id: self.topic_id,
            sequence: number(&self.sequence)?,
            previous: self.previous.as_deref().map(digest).transpose()?,
            largest_timestamp_ms: number(&self.largest_timestamp_ms)?,
            head: HeadRef {
                sequence: number(&self.head.sequence)?,
                sha256: digest(&self.head.sha256)?,
            },
            last_record: digest(&self.last_record)?,
            writer_schemas: self.writer_schemas.as_deref().map(digest).transpose()?,
            parquet_path: parquet.name,
            census_path: census.name,
            facts,
            sealer: self.sealer,
        })
    }
}
