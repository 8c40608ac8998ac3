//! Whole records: a key, headers and a value of any encoding. Lines `name: value` up to an empty
//! line are headers, the rest is the value.

use std::sync::LazyLock;

use event::{BatchBuilder, Decoder, Reason, SchemaKey, TimestampType, TopicPartition};

use crate::seeds;

/// A decoder that knows a foreign schema.
static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let mut decoder = seeds::decoder().clone();
    assert_eq!(decoder.register(SchemaKey::Id(1), seeds::WRITER_SCHEMA), Ok(()));
    decoder
});

pub(crate) fn run(data: &[u8]) -> bool {
    let mut headers: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    let mut rest = data;
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return false };
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        headers.push((name, parts.next().map(|value| value.trim_ascii_start().to_vec())));
    }
    let decoder = &*DECODER;
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    let pairs = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_deref()));
    batch.push(7, 1, TimestampType::CreateTime, Some(data), Some(rest), pairs);
    let batch = batch.build();
    batch.records().any(|record| {
        assert_eq!(record.headers.iter().count(), headers.len());
        let fault = decoder.decode(&record).fault;
        // Only what is quarantined for it waits for a schema.
        let is_unknown = fault.as_ref().is_some_and(|fault| fault.reason == Reason::UnknownSchema);
        assert!(decoder.wants(&record).is_none() || is_unknown);
        fault.is_none()
    })
}
