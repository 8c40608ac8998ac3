//! A note that a stored segment is an orphan: `driftseal/orphan/v1`, see `schemas/segment/log.md`. It
//! is kept in the archive, so that the wait before the removal outlives the process.

use merkle::hash;
use serde::{Deserialize, Serialize};

use crate::layout::SegmentName;
use crate::manifest::HeadRef;

const FORMAT: &str = "driftseal/orphan/v1";

/// A stored segment that no commit names, and the commit that covered its first offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The segment.
    pub name: SegmentName,
    /// The log after that commit.
    pub covered_by: HeadRef,
    /// When it was covered, milliseconds since the epoch.
    pub covered_at_ms: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    covered_at_ms: String,
    format: String,
    head: String,
    segment: String,
    sequence: String,
}

impl Orphan {
    /// The object.
    #[must_use]
    #[expect(clippy::expect_used, reason = "texts always have a JSON form")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Document {
            covered_at_ms: self.covered_at_ms.to_string(),
            format: FORMAT.to_owned(),
            head: hash::to_hex(&self.covered_by.sha256),
            segment: self.name.parquet(),
            sequence: self.covered_by.sequence.to_string(),
        };
        serde_json_canonicalizer::to_vec(&document).expect("a note has a JSON form")
    }

    /// Reads the object at a path; only its exact form is accepted, at the path that follows from it.
    #[must_use]
    pub fn parse(path: &str, object: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(object).ok()?;
        let covered_by = HeadRef {
            sequence: document.sequence.parse().ok()?,
            sha256: hash::from_hex(&document.head)?,
        };
        let orphan = Self {
            name: SegmentName::parse(&document.segment)?,
            covered_by,
            covered_at_ms: document.covered_at_ms.parse().ok()?,
        };
        (orphan.name.orphan() == path && orphan.to_bytes() == object).then_some(orphan)
    }
}

#[cfg(test)]
mod tests {
    use event::TopicPartition;

    use super::*;

    #[test]
    fn a_note_is_read_in_its_exact_form_and_only_at_its_own_path() {
        let name = SegmentName::new(&TopicPartition::new("agent.events", 3), 17, 0, 9).unwrap();
        let covered_by = HeadRef { sequence: 4, sha256: [7; 32] };
        let orphan = Orphan { name, covered_by, covered_at_ms: 5 };
        let (path, bytes) = (orphan.name.orphan(), orphan.to_bytes());
        assert_eq!(path, "orphans/v1/agent.events/3-00000000000000000017-00000009.json");
        assert!(SegmentName::is_orphan(&path));
        let text = format!(
            "{{\"coveredAtMs\":\"5\",\"format\":\"driftseal/orphan/v1\",\"head\":\"{}\",\
             \"segment\":\"data/v1/topic=agent.events/ingest_date=1970-01-01/\
             3-00000000000000000017-00000009.parquet\",\"sequence\":\"4\"}}",
            "07".repeat(32)
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), text);
        assert_eq!(Orphan::parse(&path, &bytes), Some(orphan));
        for other in [path.replace("-00000009", "-00000008"), path.replace("events", "other")] {
            assert_eq!(Orphan::parse(&other, &bytes), None);
        }
        for length in 0..bytes.len() {
            assert_eq!(Orphan::parse(&path, &bytes[..length]), None);
        }
        for (from, to) in
            [("\"5\"", "\"05\""), ("\"4\"", "4"), ("orphan/v1", "orphan/v2"), (",", ", ")]
        {
            assert_eq!(Orphan::parse(&path, text.replace(from, to).as_bytes()), None, "{from}");
        }
    }

    #[test]
    fn only_the_paths_of_notes_are_those_of_notes() {
        for path in [
            "orphans/v1/agent.events/3-00000000000000000017-00000009.parquet",
            "orphans/v1/agent.events/3-17-9.json",
            "orphans/v1/agent.events/x/3-00000000000000000017-00000009.json",
            "orphans/v1/3-00000000000000000017-00000009.json",
            "orphans/v2/agent.events/3-00000000000000000017-00000009.json",
            "orphans/v1/agent.events/",
        ] {
            assert!(!SegmentName::is_orphan(path), "{path}");
        }
    }
}
