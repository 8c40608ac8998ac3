//! The manifest of a segment (`schemas/segment/manifest.md`): an in-toto Statement as RFC 8785 bytes,
//! signed in a DSSE envelope, which is an entry of the log.

mod document;

use merkle::note::{SigningKey, VerifyingKey};
use merkle::{Hash, dsse, hash, tree};
use thiserror::Error;

use crate::facts::SegmentFacts;
use crate::layout::SegmentName;

/// Payload type of the envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Type of the statement's predicate.
pub const PREDICATE_TYPE: &str = "urn:driftseal:manifest:v1";

/// Most bytes of an envelope: the limit of a log entry.
pub const ENVELOPE_BYTES_MAX: usize = 65_535;

/// The manifest of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
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
    /// Path of the Parquet object.
    pub parquet_path: String,
    /// Path of the census object.
    pub census_path: String,
    /// What follows from the bytes.
    pub facts: SegmentFacts,
    /// Name and version of the program that sealed.
    pub sealer: String,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The envelope is refused, or not signed by a known key.
    #[error("manifest: {0}")]
    Envelope(dsse::DsseError),
    /// Not a manifest in its exact form.
    #[error("not a manifest: {0}")]
    Form(String),
    /// A kind of entry that this version does not know.
    #[error("not a manifest: unknown kind `{0}`")]
    UnknownKind(String),
    /// The envelope would be larger than a log entry.
    #[error("failed to sign a manifest: {0} bytes are more than {ENVELOPE_BYTES_MAX}")]
    TooLarge(usize),
}

/// A manifest whose envelope was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of the payload: `previous` of the next one in the chain.
    pub digest: Hash,
    /// Id of the key that signed.
    pub key_id: String,
}

impl Manifest {
    /// The payload.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, lists and one small number: nothing that has no JSON form.
        serde_json_canonicalizer::to_vec(&document::Statement::of(self)).unwrap_or_default()
    }

    /// Parses a payload; only canonical bytes are accepted, and only if they contradict
    /// themselves nowhere: counts, gaps, tree size and paths must agree.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Form`], [`ManifestError::UnknownKind`].
    pub fn parse(payload: &[u8]) -> Result<Self, ManifestError> {
        let form = |detail: &str| ManifestError::Form(detail.to_owned());
        let manifest = document::Statement::parse(payload)?.manifest()?;
        if manifest.to_bytes() != payload {
            return Err(form("it is not in its canonical form"));
        }
        manifest.check().map_err(form)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), &'static str> {
        let facts = &self.facts;
        if facts.count == 0 || tree::padded_size(facts.count) != facts.tree_size {
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
        let name = SegmentName::parse(&self.parquet_path).ok_or("the path is not of a segment")?;
        if facts.name(name.nonce()).as_ref() != Some(&name) || name.census() != self.census_path {
            return Err("the paths are not of this segment");
        }
        Ok(())
    }

    /// SHA-256 of the payload: `previous` of the next manifest in the chain.
    #[must_use]
    pub fn digest(&self) -> Hash {
        hash::sha256(&self.to_bytes())
    }

    /// Signs the manifest: the log entry.
    ///
    /// # Errors
    ///
    /// [`ManifestError::TooLarge`].
    pub fn sign(&self, key: &SigningKey) -> Result<String, ManifestError> {
        let envelope = dsse::sign(PAYLOAD_TYPE, &self.to_bytes(), key);
        if envelope.len() > ENVELOPE_BYTES_MAX {
            return Err(ManifestError::TooLarge(envelope.len()));
        }
        Ok(envelope)
    }

    /// Opens a log entry with the known keys.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`].
    pub fn open(entry: &[u8], keys: &[VerifyingKey]) -> Result<OpenedManifest, ManifestError> {
        Self::opened(dsse::open(entry, keys).map_err(ManifestError::Envelope)?)
    }

    /// Reads a log entry without checking its signature.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`].
    pub fn peek(entry: &[u8]) -> Result<OpenedManifest, ManifestError> {
        Self::opened(dsse::parse(entry).map_err(ManifestError::Envelope)?)
    }

    fn opened(opened: dsse::Opened) -> Result<OpenedManifest, ManifestError> {
        if opened.payload_type != PAYLOAD_TYPE {
            let found = opened.payload_type;
            return Err(ManifestError::Form(format!("its payload type is `{found}`")));
        }
        Ok(OpenedManifest {
            manifest: Self::parse(&opened.payload)?,
            digest: hash::sha256(&opened.payload),
            key_id: opened.key_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Gap, GapReason, ObjectFacts};
    use event::TopicPartition;

    fn example() -> Manifest {
        let facts = SegmentFacts {
            partition: TopicPartition::new("agent.events", 3),
            first_offset: 10,
            next_offset: 20,
            count: 6,
            gaps: vec![
                Gap { start: 10, len: 3, reason: GapReason::Lost },
                Gap { start: 15, len: 1, reason: GapReason::NoRecord },
            ],
            first_timestamp_ms: 86_400_000,
            min_timestamp_ms: -1,
            max_timestamp_ms: i64::MAX,
            tree_size: 8,
            root: [1; 32],
            census_rows: 2,
            census_root: [2; 32],
            schema_ids: vec!["avro:0123456789abcdef".into(), "json".into()],
            plain_fields: vec!["agent_id".into()],
            erasable_fields: vec!["attributes".into()],
            parquet: ObjectFacts { sha256: [3; 32], size_bytes: u64::MAX },
            census: ObjectFacts { sha256: [4; 32], size_bytes: 5 },
        };
        let name = facts.name(7).unwrap();
        Manifest {
            log: "log.example.com/a".into(),
            cluster: "c".into(),
            topic_id: "t".into(),
            sequence: 0,
            previous: None,
            parquet_path: name.parquet(),
            census_path: name.census(),
            facts,
            sealer: "driftseal/0.1.0".into(),
        }
    }

    #[test]
    fn a_manifest_survives_its_envelope() {
        let key = SigningKey::from_seed("sealer", [3; 32]).unwrap();
        for previous in [None, Some([9; 32])] {
            let manifest = Manifest { previous, ..example() };
            let entry = manifest.sign(&key).unwrap();
            let opened = Manifest::open(entry.as_bytes(), &[key.verifier()]).unwrap();
            assert_eq!(opened.digest, manifest.digest());
            assert_eq!(opened.manifest, manifest);
            assert_eq!(Manifest::peek(entry.as_bytes()).unwrap(), opened);
        }
    }

    #[test]
    fn every_changed_bit_of_a_payload_is_refused_or_another_manifest() {
        let payload = example().to_bytes();
        for at in 0..payload.len() {
            for bit in 0..8 {
                let mut changed = payload.clone();
                changed[at] ^= 1 << bit;
                if let Ok(other) = Manifest::parse(&changed) {
                    assert_eq!(other.to_bytes(), changed);
                    assert_ne!(other, example());
                }
            }
        }
    }

    #[test]
    fn only_the_canonical_form_parses() {
        let text = String::from_utf8(example().to_bytes()).unwrap();
        for changed in [
            text.replace("\"count\":\"6\"", "\"count\":\"06\""),
            text.replace("\"count\":\"6\"", "\"count\":6"),
            text.replace("\"count\":\"6\"", "\"count\":\"6\",\"count\":\"6\""),
            text.replace("\"count\":\"6\"", "\"count\":\"6\",\"more\":\"6\""),
            text.replace("urn:driftseal:manifest:v1", "urn:driftseal:manifest:v2"),
            format!(" {text}"),
        ] {
            assert_ne!(changed, text);
            let refused = Manifest::parse(changed.as_bytes());
            assert!(matches!(refused, Err(ManifestError::Form(_))), "{changed}");
        }
        let erasure = text.replace("\"kind\":\"segment\"", "\"kind\":\"erasure\"");
        let refused = Manifest::parse(erasure.as_bytes());
        assert_eq!(refused, Err(ManifestError::UnknownKind("erasure".into())));
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused() {
        let changes: [fn(&mut Manifest); 10] = [
            |m| m.facts.count = 7,
            |m| m.facts.tree_size = 16,
            |m| m.facts.next_offset = 21,
            |m| m.facts.first_offset = 9,
            |m| m.facts.gaps[1].start = 12,
            |m| m.facts.gaps[1].start = 19,
            |m| m.facts.gaps[1].len = i64::MAX,
            |m| m.facts.first_timestamp_ms = 0,
            |m| m.census_path = m.census_path.replace("-00000007", "-00000008"),
            |m| m.facts.partition.partition = 4,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut manifest = example();
            change(&mut manifest);
            let refused = Manifest::parse(&manifest.to_bytes());
            assert!(matches!(refused, Err(ManifestError::Form(_))), "change {number}");
        }
    }

    #[test]
    fn the_fullest_manifest_fits_into_a_log_entry() {
        let mut manifest = example();
        let paths: Vec<_> =
            event::schema().columns().iter().map(|column| column.path.clone()).collect();
        manifest.facts.plain_fields = paths;
        manifest.facts.schema_ids =
            vec!["avro:0123456789abcdef".into(); crate::facts::SCHEMA_IDS_MAX];
        let gap = Gap { start: i64::MAX / 2, len: 1_000_000, reason: GapReason::NoRecord };
        manifest.facts.gaps = vec![gap; crate::facts::GAPS_MAX];
        let key = SigningKey::from_seed("sealer.example.com/production", [3; 32]).unwrap();
        assert!(manifest.sign(&key).is_ok());
        manifest.cluster = "x".repeat(65_535);
        assert!(matches!(manifest.sign(&key), Err(ManifestError::TooLarge(_))));
    }
}
