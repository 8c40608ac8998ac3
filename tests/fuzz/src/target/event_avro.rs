//! Events as Avro of the bundled schema, behind the header of a single object.

use event::{BatchBuilder, TimestampType, TopicPartition};

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let mut value = vec![0xc3, 0x01];
    value.extend_from_slice(&event::encode::fingerprint().to_le_bytes());
    value.extend_from_slice(data);
    let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
    batch.push(7, 1, TimestampType::LogAppendTime, None, Some(&value), std::iter::empty());
    let batch = batch.build();
    batch.records().any(|record| seeds::decoder().decode(&record).fault.is_none())
}
