//! Identifiers of events that nobody gave one, and of computed events.
//!
//! Both are derived from positions, so that a replay derives the same: version 8 UUIDs (RFC 9562,
//! section 5.8) over the first 16 bytes of a domain-separated SHA-256.

use sha2::{Digest, Sha256};
use uuid::Builder;

/// Identifier of an event whose record carries none: derived from where the record is.
#[must_use]
pub fn from_position(topic: &str, partition: i32, offset: i64) -> String {
    derive(b"driftseal/event-id/position/v1", topic, partition, offset, 0)
}

/// Identifier of a computed event: derived from its origin (input record and ordinal).
#[must_use]
pub fn from_origin(topic: &str, partition: i32, offset: i64, ordinal: i64) -> String {
    derive(b"driftseal/event-id/origin/v1", topic, partition, offset, ordinal)
}

/// Identifier of an event that follows from others: derived from a domain, which names what is
/// identified, and the texts that identify it. Whoever writes the event again gives it the same.
#[must_use]
pub fn from_texts(domain: &str, texts: &[&str]) -> String {
    from_texts_and_bytes(domain, texts, &[])
}

/// As [`from_texts`], where bytes behind the texts identify the event too.
#[must_use]
pub fn from_texts_and_bytes(domain: &str, texts: &[&str], bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(domain.as_bytes());
    for text in texts {
        hasher.update([0]);
        hasher.update(text.as_bytes());
    }
    if !bytes.is_empty() {
        hasher.update([0]);
        hasher.update(bytes);
    }
    finish(hasher)
}

fn derive(domain: &[u8], topic: &str, partition: i32, offset: i64, ordinal: i64) -> String {
    let mut hasher = Sha256::new();
    hasher.update(domain);
    hasher.update([0]);
    hasher.update(topic.as_bytes());
    hasher.update([0]);
    hasher.update(partition.to_be_bytes());
    hasher.update(offset.to_be_bytes());
    hasher.update(ordinal.to_be_bytes());
    finish(hasher)
}

fn finish(hasher: Sha256) -> String {
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_by_every_part() {
        let all = [
            from_position("t", 0, 1),
            from_position("t", 1, 0),
            from_position("u", 0, 1),
            from_origin("t", 0, 1, 0),
            from_origin("t", 0, 1, 1),
            from_texts("t", &["0"]),
            from_texts("t", &["0", "1"]),
            from_texts("u", &["0"]),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0].as_bytes()[14], b'8');
    }
}
