//! Records of the log and batches of them.
//!
//! A [`Record`] borrows everything; a [`Batch`] owns the bytes of many consecutive records of one
//! partition in one arena, so that a reader pays one allocation per batch and not five per record.
//! A record's headers stay in their encoded form until somebody asks for them.

use std::sync::Arc;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, not negative.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    #[must_use]
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.topic, self.partition)
    }
}

/// Who set a record's timestamp. The discriminant is the byte of the leaf format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimestampType {
    /// The record carries no timestamp.
    None = 0,
    /// The producer.
    CreateTime = 1,
    /// The broker, on append.
    LogAppendTime = 2,
}

impl TimestampType {
    /// From the byte of the leaf format.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::CreateTime),
            2 => Some(Self::LogAppendTime),
            _ => None,
        }
    }
}

/// Headers of a record in encoded form: for each, `u32` length and bytes of the name, then `i32`
/// length (-1 for null) and bytes of the value, big-endian. Only [`BatchBuilder`] makes them, so
/// they are well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    /// The encoded form.
    #[must_use]
    pub const fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// Name and value of each header, in order. Kafka's protocol does not say that a name is text.
    pub fn all(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (name_len, after) = rest.split_first_chunk::<4>()?;
            let name_len = usize::try_from(u32::from_be_bytes(*name_len)).ok()?;
            let (name, after) = after.split_at_checked(name_len)?;
            let (value_len, after) = after.split_first_chunk::<4>()?;
            if let Ok(value_len) = usize::try_from(i32::from_be_bytes(*value_len)) {
                let (value, after) = after.split_at_checked(value_len)?;
                rest = after;
                Some((name, Some(value)))
            } else {
                rest = after;
                Some((name, None))
            }
        })
    }

    /// The headers whose names are text, in order. Nobody looks for others.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
        self.all().filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// Value of the last header of that name (Kafka's rule for repeated names).
    #[must_use]
    pub fn last(self, name: &str) -> Option<&'a [u8]> {
        self.iter().filter(|(candidate, _)| *candidate == name).last().and_then(|(_, value)| value)
    }
}

/// A record of the log: exact bytes and position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Partition number.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// The broker's (or producer's) timestamp, milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// Key bytes.
    pub key: Option<&'a [u8]>,
    /// Value bytes; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers.
    pub headers: Headers<'a>,
}

impl Record<'_> {
    /// Gives a hash function what the record says: key and value, each behind its length (-1 for none) as
    /// four bytes, most significant first, then the headers. Only records with the same key, value and
    /// headers give the same bytes.
    ///
    /// # Panics
    ///
    /// A key or value of 2 GiB, which no log accepts.
    pub fn hash_content(&self, mut update: impl FnMut(&[u8])) {
        for part in [self.key, self.value] {
            match part {
                None => update(&(-1_i32).to_be_bytes()),
                Some(bytes) => {
                    update(&length(bytes).to_be_bytes());
                    update(bytes);
                }
            }
        }
        update(self.headers.encoded());
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    timestamp_ms: i64,
    timestamp_type: TimestampType,
    key_end: Option<usize>,
    value_end: Option<usize>,
    headers_end: usize,
}

/// Consecutive records of one partition, owning their bytes. Never empty when a consumer hands it
/// out; offsets ascend but need not be contiguous (transaction markers, aborted records).
#[derive(Debug, Clone)]
pub struct Batch {
    partition: TopicPartition,
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

impl Batch {
    /// The partition.
    #[must_use]
    pub const fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// Number of records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and headers: what the batch costs in memory, nearly.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Offset of the first record.
    #[must_use]
    pub fn first_offset(&self) -> Option<i64> {
        self.entries.first().map(|entry| entry.offset)
    }

    /// Offset after the last record.
    #[must_use]
    pub fn next_offset(&self) -> Option<i64> {
        self.entries.last().map(|entry| entry.offset.saturating_add(1))
    }

    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut at = 0;
        self.entries.iter().map(move |entry| {
            let mut take = |end: Option<usize>| -> Option<&[u8]> {
                let end = end?;
                let bytes = self.arena.get(at..end);
                at = end;
                bytes
            };
            let key = take(entry.key_end);
            let value = take(entry.value_end);
            let headers = Headers(take(Some(entry.headers_end)).unwrap_or_default());
            Record {
                topic: &self.partition.topic,
                partition: self.partition.partition,
                offset: entry.offset,
                timestamp_ms: entry.timestamp_ms,
                timestamp_type: entry.timestamp_type,
                key,
                value,
                headers,
            }
        })
    }
}

/// Fills a [`Batch`].
#[derive(Debug)]
pub struct BatchBuilder(Batch);

impl BatchBuilder {
    /// An empty batch of that partition.
    #[must_use]
    pub const fn new(partition: TopicPartition) -> Self {
        Self(Batch { partition, arena: Vec::new(), entries: Vec::new() })
    }

    /// Appends a record; the names of headers need not be text.
    ///
    /// # Panics
    ///
    /// A name or value of a header of 2 GiB, which no log accepts.
    pub fn push<'h>(
        &mut self,
        offset: i64,
        timestamp_ms: i64,
        timestamp_type: TimestampType,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) {
        let arena = &mut self.0.arena;
        let mut put = |bytes: Option<&[u8]>| {
            bytes.map(|bytes| {
                arena.extend_from_slice(bytes);
                arena.len()
            })
        };
        let key_end = put(key);
        let value_end = put(value);
        for (name, value) in headers {
            arena.extend_from_slice(&length(name).to_be_bytes());
            arena.extend_from_slice(name);
            match value {
                None => arena.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(value) => {
                    arena.extend_from_slice(&length(value).to_be_bytes());
                    arena.extend_from_slice(value);
                }
            }
        }
        let headers_end = arena.len();
        self.0.entries.push(Entry {
            offset,
            timestamp_ms,
            timestamp_type,
            key_end,
            value_end,
            headers_end,
        });
    }

    /// Appends a record that is borrowed from elsewhere.
    pub fn push_record(&mut self, record: &Record<'_>) {
        self.push(
            record.offset,
            record.timestamp_ms,
            record.timestamp_type,
            record.key,
            record.value,
            record.headers.all(),
        );
    }

    /// Number of records so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no record yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes so far.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// The batch.
    #[must_use]
    pub fn build(self) -> Batch {
        self.0
    }
}

/// Length of a key, a name or a value, never the -1 that stands for none.
fn length(bytes: &[u8]) -> i32 {
    match i32::try_from(bytes.len()) {
        Ok(length) => length,
        Err(_) => unreachable!("{} bytes of one part of a record came from a log", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_pushed() {
        let mut builder = BatchBuilder::new(TopicPartition::new("t", 3));
        let long = "n".repeat(70_000);
        let headers =
            [("a", Some(&b"1"[..])), ("b", None), (long.as_str(), None), ("a", Some(&b""[..]))];
        let named = headers.map(|(name, value)| (name.as_bytes(), value));
        builder.push(7, 1, TimestampType::CreateTime, None, Some(b"v"), named.into_iter());
        builder.push(9, 2, TimestampType::LogAppendTime, Some(b"k"), None, std::iter::empty());
        let batch = builder.build();
        assert_eq!((batch.first_offset(), batch.next_offset()), (Some(7), Some(10)));
        let records: Vec<_> = batch.records().collect();
        assert_eq!(records[0].headers.iter().collect::<Vec<_>>(), headers);
        assert_eq!(records[0].headers.last("a"), Some(&b""[..]));
        assert_eq!((records[0].key, records[0].value), (None, Some(&b"v"[..])));
        assert_eq!((records[1].key, records[1].value), (Some(&b"k"[..]), None));
        assert_eq!(records[1].headers.iter().count(), 0);
    }

    #[test]
    fn a_header_whose_name_is_no_text_is_kept_and_hides_none() {
        let mut builder = BatchBuilder::new(TopicPartition::new("t", 0));
        let headers: [(&[u8], Option<&[u8]>); 3] =
            [(b"a", Some(b"1")), (b"caf\xe9", Some(b"2")), (b"b", None)];
        builder.push(7, 1, TimestampType::CreateTime, None, Some(b"v"), headers.into_iter());
        let batch = builder.build();
        let record = batch.records().next().unwrap();
        assert_eq!(record.headers.all().collect::<Vec<_>>(), headers);
        let names: Vec<_> = record.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b"]);
        let mut copy = BatchBuilder::new(TopicPartition::new("t", 0));
        copy.push_record(&record);
        let copy = copy.build();
        assert_eq!(copy.records().next().unwrap().headers.encoded(), record.headers.encoded());
    }
}
