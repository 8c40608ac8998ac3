//! Every path of an archive, in one place.
//!
//! Paths are relative to the root of the archive, with `/` between the parts. Under `data/` there
//! is nothing but Parquet, and every directory is a Hive partition (`name=value`): several readers
//! refuse a directory that holds anything else.

use chrono::{DateTime, Utc};
use event::TopicPartition;
use merkle::{Hash, hash};

/// Where the segments are.
pub const DATA: &str = "data/v1";

/// Where the censuses are.
pub const CENSUS: &str = "census/v1";

/// Where the notes on orphans are, until these are removed.
pub const ORPHANS: &str = "orphans/v1";

/// Where the documents with schemas of other writers are.
pub const SCHEMAS: &str = "schemas/v1";

/// Where the commit objects are.
pub const COMMITS: &str = "log/commit";

/// Where the heads are.
pub const HEADS: &str = "log/head";

/// The published checkpoint of the log.
pub const CHECKPOINT: &str = "log/checkpoint";

/// Prefix of the paths that C2SP `tlog-tiles` names (`tile/…`, `tile/entries/…`).
pub const LOG: &str = "log";

/// Most characters of a topic name; the limit of Kafka.
const TOPIC_CHARS_MAX: usize = 249;

/// Path of a commit object.
#[must_use]
pub fn commit(sequence: u64) -> String {
    format!("{COMMITS}/{sequence:020}")
}

/// The sequence number in the path of a commit object.
#[must_use]
pub fn parse_commit(path: &str) -> Option<u64> {
    let digits = path.strip_prefix(COMMITS)?.strip_prefix('/')?;
    let sequence = digits.parse().ok()?;
    (commit(sequence) == path).then_some(sequence)
}

/// Path of the head of a commit.
#[must_use]
pub fn head(sequence: u64) -> String {
    format!("{HEADS}/{sequence:020}")
}

/// The number of the commit in the path of a head.
#[must_use]
pub fn parse_head(path: &str) -> Option<u64> {
    let digits = path.strip_prefix(HEADS)?.strip_prefix('/')?;
    let sequence = digits.parse().ok()?;
    (head(sequence) == path).then_some(sequence)
}

/// A guess at the number of the last commit, from a published checkpoint that nobody has verified:
/// every commit has an entry, and most have one. 0 if it is not a checkpoint.
#[must_use]
pub fn commit_hint(checkpoint: &[u8]) -> u64 {
    let line = checkpoint.split(|byte| *byte == b'\n').nth(1);
    let size = line.and_then(|line| std::str::from_utf8(line).ok()?.parse::<u64>().ok());
    size.and_then(|size| size.checked_sub(1)).unwrap_or(0)
}

/// Path of a tile or entry bundle, from the path that `tlog-tiles` gives it.
#[must_use]
pub fn tile(path: &str) -> String {
    format!("{LOG}/{path}")
}

/// Path of a document with schemas of other writers, from its digest.
#[must_use]
pub fn schemas(digest: &Hash) -> String {
    format!("{SCHEMAS}/{}.json", hash::to_hex(digest))
}

/// Directory of the segments of a topic.
#[must_use]
pub fn topic(topic: &str) -> String {
    format!("{DATA}/topic={topic}")
}

/// Directory of the notes on orphans of a topic.
#[must_use]
pub fn orphans(topic: &str) -> String {
    format!("{ORPHANS}/{topic}")
}

/// Directory of the segments of a topic whose first record is of the UTC day of a timestamp in
/// milliseconds; directories sort by day. `None` for a topic that no Kafka log has.
#[must_use]
pub fn day(topic: &str, timestamp_ms: i64) -> Option<String> {
    let name = SegmentName::new(&TopicPartition::new(topic, 0), 0, timestamp_ms, 0)?;
    Some(name.directory())
}

/// Name of a segment: from it follow the paths of its two objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    partition: TopicPartition,
    ingest_date: String,
    first_offset: i64,
    nonce: u32,
}

impl SegmentName {
    /// Names the segment of a partition that begins at an offset. The ingest date is the UTC date
    /// of the first record's timestamp in milliseconds (clamped to years 1 to 9999); the nonce keeps
    /// apart the objects of two sealers, and of two attempts.
    ///
    /// `None` for a topic, partition or offset that no Kafka log has.
    #[must_use]
    pub fn new(
        partition: &TopicPartition,
        first_offset: i64,
        first_timestamp_ms: i64,
        nonce: u32,
    ) -> Option<Self> {
        let day = event::Timestamp::from_millis(first_timestamp_ms)
            .clamp(event::Timestamp::EARLIEST, event::Timestamp::LATEST);
        let day = DateTime::<Utc>::from_timestamp_micros(day.micros())?;
        let name = Self {
            partition: partition.clone(),
            ingest_date: day.format("%Y-%m-%d").to_string(),
            first_offset,
            nonce,
        };
        (is_topic(&partition.topic) && partition.partition >= 0 && first_offset >= 0)
            .then_some(name)
    }

    /// Path of the Parquet object.
    #[must_use]
    pub fn parquet(&self) -> String {
        format!("{}/{}.parquet", self.directory(), self.stem())
    }

    fn directory(&self) -> String {
        format!("{}/ingest_date={}", topic(&self.partition.topic), self.ingest_date)
    }

    /// Path of the census object.
    #[must_use]
    pub fn census(&self) -> String {
        format!("{CENSUS}/{}/{}.json", self.partition.topic, self.stem())
    }

    /// Path of the note that the segment is an orphan; see `schemas/segment/log.md`.
    #[must_use]
    pub fn orphan(&self) -> String {
        format!("{}/{}.json", orphans(&self.partition.topic), self.stem())
    }

    /// The partition.
    #[must_use]
    pub const fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// First offset of the range.
    #[must_use]
    pub const fn first_offset(&self) -> i64 {
        self.first_offset
    }

    /// What keeps apart the objects of two attempts.
    #[must_use]
    pub const fn nonce(&self) -> u32 {
        self.nonce
    }

    /// UTC date of the first record's timestamp, `YYYY-MM-DD`.
    #[must_use]
    pub fn ingest_date(&self) -> &str {
        &self.ingest_date
    }

    /// The name in the path of a Parquet object; only the exact form is accepted.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(DATA)?.strip_prefix("/topic=")?;
        let (topic, rest) = rest.split_once("/ingest_date=")?;
        let (date, stem) = rest.split_once('/')?;
        let mut parts = stem.strip_suffix(".parquet")?.split('-');
        let (partition, first_offset, nonce) = (parts.next()?, parts.next()?, parts.next()?);
        let midnight =
            chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?;
        let name = Self::new(
            &TopicPartition::new(topic, partition.parse().ok()?),
            first_offset.parse().ok()?,
            midnight.and_utc().timestamp_millis(),
            u32::from_str_radix(nonce, 16).ok()?,
        )?;
        (name.parquet() == path).then_some(name)
    }

    /// Whether a path is that of a note on an orphan.
    #[must_use]
    pub fn is_orphan(path: &str) -> bool {
        let parts = path.strip_prefix(ORPHANS).and_then(|rest| rest.strip_prefix('/'));
        let Some((topic, stem)) = parts.and_then(|rest| rest.split_once('/')) else { return false };
        // A note has the stem of its segment, whose date it does not repeat.
        let stem = stem.strip_suffix(".json").unwrap_or_default();
        let parquet = format!("{}/ingest_date=1970-01-01/{stem}.parquet", self::topic(topic));
        Self::parse(&parquet).is_some_and(|name| name.orphan() == path)
    }

    fn stem(&self) -> String {
        format!("{}-{:020}-{:08x}", self.partition.partition, self.first_offset, self.nonce)
    }
}

/// Whether Kafka would take the name; such a name is also safe as a part of a path.
fn is_topic(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=TOPIC_CHARS_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && name != "."
        && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(topic: &str, first_timestamp_ms: i64) -> Option<SegmentName> {
        SegmentName::new(&TopicPartition::new(topic, 3), 12, first_timestamp_ms, 0xab)
    }

    #[test]
    fn names_survive_their_paths() {
        for timestamp_ms in [0, 1_790_000_000_000, i64::MIN, i64::MAX, -1] {
            let name = name("agent.events", timestamp_ms).unwrap();
            assert_eq!(SegmentName::parse(&name.parquet()), Some(name));
        }
        let name = name("agent.events", 86_400_000).unwrap();
        assert_eq!(
            name.parquet(),
            "data/v1/topic=agent.events/ingest_date=1970-01-02/3-00000000000000000012-000000ab.parquet"
        );
        assert_eq!(name.census(), "census/v1/agent.events/3-00000000000000000012-000000ab.json");
    }

    #[test]
    fn a_topic_cannot_leave_its_directory() {
        for topic in ["", "..", "a/b", "a b", "\u{e9}", &"x".repeat(250)] {
            assert_eq!(name(topic, 0), None, "{topic}");
        }
    }

    #[test]
    fn only_the_exact_path_of_a_commit_parses() {
        assert_eq!(parse_commit(&commit(7)), Some(7));
        for path in ["log/commit/7", "log/commit/+0000000000000000007", "log/commit/"] {
            assert_eq!(parse_commit(path), None, "{path}");
        }
        assert_eq!(parse_head(&head(7)), Some(7));
        assert_eq!(parse_head(&commit(7)), None);
    }

    #[test]
    fn whatever_is_published_gives_a_hint() {
        assert_eq!(commit_hint(b"origin\n17\nroot\n"), 16);
        for text in ["", "\n", "o\n0\n", "o\n-1\n", "o\n99999999999999999999\n", "\u{e9}\n\u{e9}"] {
            assert_eq!(commit_hint(text.as_bytes()), 0, "{text}");
        }
    }
}
