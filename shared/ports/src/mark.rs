//! Marks: how a reader recognizes the last record that it has read, without keeping it.
//!
//! A mark may be published: without the key nobody can tell from it what the record says, or try guesses.

use event::Record;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a signing key signs so that its signature is a [`MarkKey`]. It is neither a checkpoint nor an
/// envelope.
pub const SIGNED: &[u8] = b"driftseal/mark/v1\n";

/// Keyed digest of a record: of its offset, the broker's time, key, value and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub [u8; 32]);

/// Makes marks. Its debug form shows nothing of the key.
#[derive(Clone)]
pub struct MarkKey(Hmac<Sha256>);

impl std::fmt::Debug for MarkKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MarkKey").finish_non_exhaustive()
    }
}

impl MarkKey {
    /// The key that is the signature of [`SIGNED`]: Ed25519 signs without chance (RFC 8032), so whoever
    /// has the signing key makes the same marks.
    #[must_use]
    pub fn new(signature: &[u8; 64]) -> Self {
        Self(Hmac::new(&(*signature).into()))
    }

    /// The mark of a record: HMAC-SHA-256 of offset and timestamp in milliseconds, eight bytes each,
    /// most significant first, and of what [`Record::hash_content`] gives.
    ///
    /// # Panics
    ///
    /// As [`Record::hash_content`].
    #[must_use]
    pub fn mark(&self, record: &Record<'_>) -> Mark {
        let mut mac = self.0.clone();
        mac.update(&record.offset.to_be_bytes());
        mac.update(&record.timestamp_ms.to_be_bytes());
        record.hash_content(|bytes| mac.update(bytes));
        Mark(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use event::{BatchBuilder, TimestampType, TopicPartition};

    use super::*;

    type Header<'a> = (&'a [u8], Option<&'a [u8]>);

    fn mark(
        key: u8,
        (offset, timestamp_ms): (i64, i64),
        content: (Option<&[u8]>, Option<&[u8]>),
        headers: &[Header<'_>],
    ) -> Mark {
        let mut batch = BatchBuilder::new(TopicPartition::new("t", 0));
        let (name, value) = content;
        let headers = headers.iter().copied();
        batch.push(offset, timestamp_ms, TimestampType::LogAppendTime, name, value, headers);
        let batch = batch.build();
        MarkKey::new(&[key; 64]).mark(&batch.records().next().unwrap())
    }

    #[test]
    fn records_that_differ_in_anything_have_different_marks() {
        let both: (Option<&[u8]>, Option<&[u8]>) = (Some(b"k"), Some(b"v"));
        let header: Header<'_> = (b"h", Some(b"1"));
        let marks = [
            mark(1, (9, 5), both, &[]),
            mark(2, (9, 5), both, &[]),
            mark(1, (8, 5), both, &[]),
            mark(1, (9, 6), both, &[]),
            mark(1, (9, 5), (Some(b"kv"), Some(b"")), &[]),
            mark(1, (9, 5), (Some(b"kv"), None), &[]),
            mark(1, (9, 5), (None, Some(b"kv")), &[]),
            mark(1, (9, 5), (Some(b""), Some(b"kv")), &[]),
            mark(1, (9, 5), both, &[header]),
            mark(1, (9, 5), both, &[header, header]),
            mark(1, (9, 5), both, &[(b"h", None)]),
        ];
        for (place, one) in marks.iter().enumerate() {
            assert!(!marks[..place].contains(one), "{place}");
        }
        assert_eq!(mark(1, (9, 5), both, &[header]), marks[8]);
    }

    /// Computed by Python's `hmac`, with the key 00 01 … 3f.
    #[test]
    fn a_mark_is_the_hmac_that_the_documentation_says() {
        let mut batch = BatchBuilder::new(TopicPartition::new("t", 0));
        let headers: [Header<'_>; 1] = [(b"h", None)];
        batch.push(7, -1, TimestampType::LogAppendTime, Some(b"k"), None, headers.into_iter());
        let key = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let Mark(found) = MarkKey::new(&key).mark(&batch.build().records().next().unwrap());
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, "231bb825c4eb370ee97976b3b8b3852e77940d46b7e9c966af8296807a7b5694");
    }
}
