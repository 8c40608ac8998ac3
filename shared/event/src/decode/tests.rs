//! What panics while it is read.

use super::*;
use crate::record::{BatchBuilder, TimestampType, TopicPartition};

#[test]
fn a_record_that_cannot_be_read_without_a_panic_is_quarantined_with_its_bytes() {
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 3));
    let (key, value) = (Some(&b"support"[..]), Some(&br#"{"kind":"x"}"#[..]));
    let headers = [(&b"h"[..], Some(&b"1"[..]))];
    batch.push(7, 1_000, TimestampType::LogAppendTime, key, value, headers.into_iter());
    let batch = batch.build();
    let record = batch.records().next().unwrap();
    let read = decoded(&record, || panic!("as a library does"));
    let text = |column| read.event.text(column).unwrap().to_owned();
    assert_eq!(read.fault.as_ref().unwrap().reason, Reason::Panicked);
    assert_eq!(read.schema_id, "none");
    assert_eq!(text(column::KIND), crate::kind::QUARANTINE_ADDED);
    assert_eq!(text(column::EVENT_ID), id::from_position("agent.events", 3, 7));
    assert_eq!(text(column::quarantine::REASON), "panicked");
    assert_eq!(text(column::quarantine::HEADERS), r#"[["h","MQ=="]]"#);
    assert_eq!(read.event.get(column::quarantine::KEY), key.map(bytes).as_ref());
    assert_eq!(read.event.get(column::quarantine::VALUE), value.map(bytes).as_ref());
    // The next reader, and the next record, are as if nothing had been.
    assert_eq!(decoded(&record, || panic!("as a library does")), read);
    assert_eq!(Decoder::default().decode(&record).fault, None);
}

fn bytes(bytes: &[u8]) -> Cell<'_> {
    Cell::Bytes(Cow::Borrowed(bytes))
}

#[test]
fn a_value_that_is_not_in_the_log_is_refused_alike() {
    let context = std::iter::from_fn(|| panic!("as a library does"));
    let read = decode_binary_cloud_event(br#"{"kind":"x"}"#, context, Limits::default());
    assert_eq!(read.unwrap_err().reason, Reason::Panicked);
}
