//! From an event to the bytes of a record: Avro single-object encoding (Avro 1.11, "Single-object
//! encoding") with the bundled schema.
//!
//! The same event always gives the same bytes: lists and maps are one block each, maps in
//! ascending order of keys.

use std::sync::LazyLock;

use crate::cell::Cell;
use crate::event::Event;
use crate::plan::plan;
use crate::schema::schema;

/// The marker of single-object encoding.
pub const SINGLE_OBJECT_MARKER: [u8; 2] = [0xc3, 0x01];

/// CRC-64-AVRO fingerprint of the bundled schema.
///
/// # Panics
///
/// Never: the bundled schema parses, which a unit test of `schema` checks.
#[must_use]
pub fn fingerprint() -> u64 {
    static FINGERPRINT: LazyLock<u64> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the documents are compiled in, and tested")]
        let parsed = apache_avro::Schema::parse_str(schema().avro_json()).expect("bundled schema");
        fingerprint_of(&parsed)
    });
    *FINGERPRINT
}

/// CRC-64-AVRO fingerprint of a schema.
pub(crate) fn fingerprint_of(parsed: &apache_avro::Schema) -> u64 {
    // The parsing canonical form says `"long"` where apache-avro 0.22 writes `{"type":"long"}` for
    // what was a logical type; parsing its form again, now without logical types, gives the form
    // (and the fingerprint) that other implementations compute.
    let again = apache_avro::Schema::parse_str(&parsed.canonical_form());
    native_fingerprint_of(again.as_ref().unwrap_or(parsed))
}

/// The fingerprint as apache-avro computes it, and as programs that use it write it.
pub(crate) fn native_fingerprint_of(parsed: &apache_avro::Schema) -> u64 {
    let bytes = parsed.fingerprint::<apache_avro::rabin::Rabin>().bytes;
    // The crate renders the number in the byte order of single-object encoding.
    bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Appends the single-object encoding of an event.
///
/// # Panics
///
/// If a required column has no value, or a cell is of another type than its column. Builders and
/// decoders see to both; after [`decode_json`](crate::decode::decode_json) the caller fills
/// `event_id` and `event_time`.
pub fn encode(event: &Event<'_>, into: &mut Vec<u8>) {
    into.extend_from_slice(&SINGLE_OBJECT_MARKER);
    into.extend_from_slice(&fingerprint().to_le_bytes());
    encode_datum(event, into);
}

/// Appends the bare Avro datum of an event, for Confluent frames and container files.
///
/// # Panics
///
/// As [`encode`].
pub fn encode_datum(event: &Event<'_>, into: &mut Vec<u8>) {
    let plan = plan();
    // Entries that are written, and the group that is open: its entry, fields written, fields.
    let (mut entries, mut open) = (0, None);
    let mut required = 0;
    for (id, cell) in event.cells() {
        let place = plan.place(*id);
        // Written as the other type, it would shift every field behind it.
        assert!(cell.cell_type() == place.cell_type, "{}: a cell of another type", id.path());
        if let Some((entry, written, fields)) = open
            && entry != place.entry
        {
            absent(fields - written, into);
            open = None;
        }
        if open.is_none() {
            absent(place.entry - entries, into);
            entries = place.entry + 1;
        }
        if let Some((at, fields)) = place.in_group {
            let written = open.map_or_else(
                || {
                    into.push(PRESENT);
                    0
                },
                |(_, written, _)| written,
            );
            absent(at - written, into);
            open = Some((place.entry, at + 1, fields));
        }
        if place.required {
            required += 1;
        } else {
            into.push(PRESENT);
        }
        value(cell, into);
    }
    if let Some((_, written, fields)) = open {
        absent(fields - written, into);
    }
    absent(plan.entries.len() - entries, into);
    // No bytes that a reader accepts could be written.
    assert!(
        required == plan.required.len(),
        "{}: a required column without a value",
        missing(event)
    );
}

/// Path of the first required column that has no value.
#[cold]
fn missing(event: &Event<'_>) -> &'static str {
    let mut ids = schema().ids();
    let missing = ids.find(|id| schema().column(*id).required && event.get(*id).is_none());
    missing.map_or("", |id| id.path())
}

/// The branch of a value in `["null", type]`.
const PRESENT: u8 = 2;

/// So many fields or groups without a value, each the branch of null.
fn absent(count: usize, into: &mut Vec<u8>) {
    into.resize(into.len() + count, 0);
}

fn value(cell: &Cell<'_>, into: &mut Vec<u8>) {
    match cell {
        Cell::Bool(value) => into.push(u8::from(*value)),
        Cell::Int(value) => long(*value, into),
        Cell::Float(value) => into.extend_from_slice(&value.to_le_bytes()),
        Cell::Text(value) => bytes(value.as_bytes(), into),
        Cell::Bytes(value) => bytes(value, into),
        Cell::Time(value) => long(value.micros(), into),
        Cell::Texts(values) => {
            if !values.is_empty() {
                length(values.len(), into);
                for value in values {
                    bytes(value.as_bytes(), into);
                }
            }
            into.push(0);
        }
        Cell::Map(pairs) => {
            if !pairs.is_empty() {
                length(pairs.len(), into);
                for (key, value) in pairs {
                    bytes(key.as_bytes(), into);
                    bytes(value.as_bytes(), into);
                }
            }
            into.push(0);
        }
    }
}

fn bytes(value: &[u8], into: &mut Vec<u8>) {
    length(value.len(), into);
    into.extend_from_slice(value);
}

fn length(length: usize, into: &mut Vec<u8>) {
    // No allocation is longer than `i64::MAX` bytes.
    long(i64::try_from(length).unwrap_or(i64::MAX), into);
}

fn long(value: i64, into: &mut Vec<u8>) {
    let mut raw = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = raw.to_le_bytes();
        raw >>= 7;
        if raw == 0 {
            into.push(low & 0x7f);
            return;
        }
        into.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column;

    #[test]
    #[should_panic(expected = "event_id: a required column without a value")]
    fn an_event_without_a_required_value_is_not_written() {
        let mut event = Event::empty();
        event.set(column::KIND, Cell::from("run.completed"));
        encode(&event, &mut Vec::new());
    }

    #[test]
    #[should_panic(expected = "run.status: a cell of another type")]
    fn a_cell_of_another_type_is_not_written() {
        let mut event = Event::empty();
        event.set(column::run::STATUS, Cell::Bool(true));
        encode(&event, &mut Vec::new());
    }

    /// Other implementations leave attributes of our own out of the canonical form. apache-avro keeps
    /// some of their names, such as `values`, wherever they stand.
    #[test]
    fn attributes_of_our_own_do_not_change_the_fingerprint() {
        fn strip(value: &mut serde_json::Value) {
            const AVRO: [&str; 8] = [
                "type",
                "name",
                "namespace",
                "fields",
                "items",
                "values",
                "logicalType",
                "default",
            ];
            match value {
                serde_json::Value::Object(object) => {
                    let is_map = object.get("type").is_some_and(|of| of == "map");
                    object.retain(|key, _| {
                        AVRO.contains(&key.as_str()) && (key != "values" || is_map)
                    });
                    object.values_mut().for_each(strip);
                }
                serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Number(_)
                | serde_json::Value::String(_) => {}
            }
        }
        let mut plain: serde_json::Value = serde_json::from_str(schema().avro_json()).unwrap();
        strip(&mut plain);
        let parsed = apache_avro::Schema::parse_str(&plain.to_string()).unwrap();
        assert_eq!(fingerprint_of(&parsed), fingerprint());
    }

    /// Values of fastavro 1.13.1, `fingerprint(to_parsing_canonical_form(s), "CRC-64-AVRO")`, read
    /// as little-endian; the first is in the specification too.
    #[test]
    fn fingerprints_are_those_of_other_implementations() {
        let of = |text| fingerprint_of(&apache_avro::Schema::parse_str(text).unwrap());
        assert_eq!(of(r#""null""#), 0x63dd_24e7_cc25_8f8a);
        let time = r#"{"type":"long","logicalType":"timestamp-micros"}"#;
        assert_eq!(of(time), of(r#""long""#));
        assert_eq!(of(time), 0xd054_e144_93f4_1db7);
    }
}
