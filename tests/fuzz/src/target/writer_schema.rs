//! Schemas of foreign writers, up to a zero byte, and a datum of them.

use event::{BatchBuilder, SchemaKey, TimestampType, TopicPartition};

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (schema, datum) = data.split_at(at);
    let Ok(schema) = std::str::from_utf8(schema) else { return false };
    let mut decoder = seeds::decoder().clone();
    if decoder.register(SchemaKey::Id(1), schema).is_err() {
        return false;
    }
    let mut value = vec![0, 0, 0, 0, 1];
    value.extend_from_slice(datum.get(1..).unwrap_or_default());
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    batch.push(7, 1, TimestampType::LogAppendTime, None, Some(&value), std::iter::empty());
    let batch = batch.build();
    batch.records().any(|record| decoder.decode(&record).fault.is_none())
}
