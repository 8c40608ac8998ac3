//! The statement as JSON: numbers of 64 bits and digests are texts.

use event::TopicPartition;
use merkle::{Hash, hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Manifest, ManifestError, PREDICATE_TYPE};
use crate::facts::{Gap, GapReason, ObjectFacts, SegmentFacts};

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const KIND: &str = "segment";
const TREE: &str = "rfc6962-sha256-padded";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate: Predicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: [Subject; 2],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    digest: Digest,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: String,
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
    kind: String,
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

impl Statement {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let facts = &manifest.facts;
        let subject = |path: &str, object: &ObjectFacts| Subject {
            digest: Digest { sha256: hash::to_hex(&object.sha256) },
            name: path.to_owned(),
        };
        let gap =
            |gap: &Gap| (gap.start.to_string(), gap.len.to_string(), gap.reason.name().to_owned());
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            predicate: Predicate {
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
                kind: KIND.to_owned(),
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
            },
            predicate_type: PREDICATE_TYPE.to_owned(),
            subject: [
                subject(&manifest.parquet_path, &facts.parquet),
                subject(&manifest.census_path, &facts.census),
            ],
        }
    }

    /// Reads the JSON; whether it is canonical is for the caller to see.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, ManifestError> {
        let form = |error: serde_json::Error| ManifestError::Form(error.to_string());
        let value: Value = serde_json::from_slice(payload).map_err(form)?;
        if let Some(kind) = value.pointer("/predicate/kind").and_then(Value::as_str)
            && kind != KIND
        {
            return Err(ManifestError::UnknownKind(kind.to_owned()));
        }
        serde_json::from_value(value).map_err(form)
    }

    pub(super) fn manifest(self) -> Result<Manifest, ManifestError> {
        let predicate = self.predicate;
        for (expected, found) in [
            (STATEMENT_TYPE, &self.statement_type),
            (PREDICATE_TYPE, &self.predicate_type),
            (TREE, &predicate.tree.algorithm),
        ] {
            if found != expected {
                return Err(ManifestError::Form(format!("`{found}` is not `{expected}`")));
            }
        }
        let [parquet, census] = self.subject;
        let gap = |(start, len, reason): &(String, String, String)| {
            let reason = GapReason::parse(reason)
                .ok_or_else(|| ManifestError::Form(format!("unknown reason `{reason}`")))?;
            Ok(Gap { start: number(start)?, len: number(len)?, reason })
        };
        let gaps: Result<_, ManifestError> = predicate.gaps.iter().map(gap).collect();
        let facts = SegmentFacts {
            partition: TopicPartition::new(predicate.topic.as_str(), predicate.partition),
            first_offset: number(&predicate.first_offset)?,
            next_offset: number(&predicate.next_offset)?,
            count: number(&predicate.count)?,
            gaps: gaps?,
            first_timestamp_ms: number(&predicate.first_timestamp_ms)?,
            min_timestamp_ms: number(&predicate.min_timestamp_ms)?,
            max_timestamp_ms: number(&predicate.max_timestamp_ms)?,
            tree_size: number(&predicate.tree.size)?,
            root: digest(&predicate.tree.root)?,
            census_rows: number(&predicate.census.rows)?,
            census_root: digest(&predicate.census.root)?,
            schema_ids: predicate.schemas,
            plain_fields: predicate.fields.plain,
            erasable_fields: predicate.fields.erasable,
            parquet: ObjectFacts {
                sha256: digest(&parquet.digest.sha256)?,
                size_bytes: number(&predicate.parquet.size)?,
            },
            census: ObjectFacts {
                sha256: digest(&census.digest.sha256)?,
                size_bytes: number(&predicate.census.size)?,
            },
        };
        Ok(Manifest {
            log: predicate.log,
            cluster: predicate.cluster,
            topic_id: predicate.topic_id,
            sequence: number(&predicate.sequence)?,
            previous: predicate.previous.as_deref().map(digest).transpose()?,
            parquet_path: parquet.name,
            census_path: census.name,
            facts,
            sealer: predicate.sealer,
        })
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, ManifestError> {
    text.parse().map_err(|_| ManifestError::Form(format!("`{text}` is not a number in its range")))
}

fn digest(text: &str) -> Result<Hash, ManifestError> {
    hash::from_hex(text).ok_or_else(|| ManifestError::Form(format!("`{text}` is not a SHA-256")))
}
