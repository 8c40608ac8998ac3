//! The digest of what an event says, over its columns.

use event::{Cell, Event, column};
use sha2::{Digest as _, Sha256};

/// SHA-256 of the content of an event.
pub type ContentDigest = [u8; 32];

/// One form of NaN.
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// The digest of all columns of an event but for its signatures.
///
/// It is computed from columns, so the sealed row of a record gives the same as the record.
#[must_use]
pub fn content_of(event: &Event<'_>) -> ContentDigest {
    let signatures = [column::governance::SIGNATURE.id(), column::monitor::SIGNATURE.id()];
    let mut hasher = Sha256::new();
    hasher.update(b"driftseal/content/v1");
    for (id, cell) in event.cells().iter().filter(|(id, _)| !signatures.contains(id)) {
        bytes(&mut hasher, id.path().as_bytes());
        value(&mut hasher, cell);
    }
    hasher.finalize().into()
}

fn value(hasher: &mut Sha256, cell: &Cell<'_>) {
    match cell {
        Cell::Bool(value) => hasher.update([0, u8::from(*value)]),
        Cell::Int(value) => {
            hasher.update([1]);
            hasher.update(value.to_be_bytes());
        }
        Cell::Float(value) => {
            hasher.update([2]);
            let bits = if value.is_nan() { NAN } else { value.to_bits() };
            hasher.update(bits.to_be_bytes());
        }
        Cell::Text(value) => {
            hasher.update([3]);
            bytes(hasher, value.as_bytes());
        }
        Cell::Bytes(value) => {
            hasher.update([4]);
            bytes(hasher, value);
        }
        Cell::Time(value) => {
            hasher.update([5]);
            hasher.update(value.micros().to_be_bytes());
        }
        Cell::Texts(values) => {
            hasher.update([6]);
            length(hasher, values.len());
            values.iter().for_each(|value| bytes(hasher, value.as_bytes()));
        }
        Cell::Map(pairs) => {
            hasher.update([7]);
            length(hasher, pairs.len());
            for (key, value) in pairs {
                bytes(hasher, key.as_bytes());
                bytes(hasher, value.as_bytes());
            }
        }
    }
}

fn bytes(hasher: &mut Sha256, value: &[u8]) {
    length(hasher, value.len());
    hasher.update(value);
}

fn length(hasher: &mut Sha256, length: usize) {
    hasher.update(crate::message::length(length));
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, kind};

    fn event(set: impl FnOnce(EventBuilder) -> EventBuilder) -> Event<'static> {
        let builder = EventBuilder::new(kind::MONITOR_TICK)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(7));
        set(builder).build().unwrap()
    }

    #[test]
    fn every_value_of_every_column_is_in_the_digest_but_signatures() {
        let plain = content_of(&event(|builder| builder));
        let others = [
            event(|builder| builder.set(column::monitor::ID, "a")),
            event(|builder| builder.set(column::monitor::OWNER, "a")),
            event(|builder| builder.set(column::monitor::LAG, 1)),
            event(|builder| builder.set(column::monitor::LAG, 0)),
            event(|builder| builder.set(column::monitor::IDLE, false)),
            event(|builder| builder.set(column::monitor::ACTS, vec!["a".to_owned()])),
            event(|builder| {
                builder.set(column::monitor::ACTS, vec!["a".to_owned(), String::new()])
            }),
        ];
        let mut all: Vec<ContentDigest> = others.iter().map(content_of).collect();
        all.push(plain);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
        let mut signed = event(|builder| builder);
        signed.set(column::monitor::SIGNATURE, Cell::Bytes(vec![1; 64].into()));
        assert_eq!(content_of(&signed), plain);
    }
}
