//! Events as JSON: every text is an event or is quarantined, and what was decoded survives our own
//! encoding. So are CloudEvents, and whatever is said about an event is plain text.

use std::borrow::Cow;

use event::decode::{decode_binary_cloud_event, decode_cloud_event};
use event::{BatchBuilder, Limits, Remarker, Timestamp, TimestampType, TopicPartition};

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    batch.push(7, 1, TimestampType::LogAppendTime, None, Some(data), std::iter::empty());
    let batch = batch.build();
    let decoder = seeds::decoder();
    let mut accepted = false;
    for record in batch.records() {
        let decoded = decoder.decode(&record);
        accepted = decoded.fault.is_none();
        for remark in Remarker::new().remarks(&decoded.event, Timestamp::from_micros(0)) {
            let text = remark.to_string();
            assert!(!text.chars().any(char::is_control) && text.len() < 8_000, "{text:?}");
        }
        let mut value = Vec::new();
        event::encode::encode(&decoded.event, &mut value);
        let mut again = BatchBuilder::new(TopicPartition::new("agent.events", 0));
        again.push(7, 1, TimestampType::LogAppendTime, None, Some(&value), std::iter::empty());
        let again = again.build();
        for record in again.records() {
            let own = decoder.decode(&record);
            if own.fault.is_none() {
                assert_eq!(format!("{:?}", own.event), format!("{:?}", decoded.event));
            } else {
                // Our own encoding may only be too large for the limits of a record.
                assert!(value.len() > Limits::default().value_bytes_max, "{own:?}");
            }
        }
    }
    let _structured = decode_cloud_event(data, Limits::default());
    let context = [(Cow::Borrowed("id"), String::from_utf8_lossy(data))];
    let _binary = decode_binary_cloud_event(data, context, Limits::default());
    accepted
}
