//! Bodies of `POST /v1/acts`. Whatever is accepted is an event that survives its encoding.

use event::{BatchBuilder, Decoder, Limits, TimestampType, TopicPartition};

pub(crate) fn run(data: &[u8]) -> bool {
    let Some(act) = evidence::gateway::dry_run(data) else { return false };
    let Some(act) = act else { return true };
    let mut value = Vec::new();
    event::encode::encode(&act, &mut value);
    let mut batch = BatchBuilder::new(TopicPartition::new("driftseal.governance", 0));
    batch.push(7, 1, TimestampType::LogAppendTime, None, Some(&value), std::iter::empty());
    let batch = batch.build();
    let decoder = Decoder::new(Limits { value_bytes_max: usize::MAX });
    let again: Vec<_> = batch.records().map(|record| decoder.decode(&record)).collect();
    assert!(again.iter().all(|decoded| decoded.fault.is_none() && decoded.event == act));
    true
}
