//! Closing every window without waiting for the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use event::{EventBuilder, Timestamp, TopicPartition, column, kind};
use ports::{Outgoing, publish_and_wait};
use service::clock::now_micros;

use crate::world::{EVENTS, PARTITIONS, World};

/// Longest wait for an acknowledgement.
const WAIT: Duration = Duration::from_secs(60);

/// Moves every partition's event time past every window, by two events of nobody in particular
/// that are as far ahead as is believed; where each partition then ends.
///
/// # Panics
///
/// If the log does not answer.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
pub fn flush(world: &World) -> BTreeMap<i32, i64> {
    let log = world.log();
    let producer = log.producer();
    for ahead_secs in [200, 290] {
        let records = (0..PARTITIONS)
            .map(|partition| {
                let event = EventBuilder::new(kind::MODEL_INVOKED)
                    .set(column::EVENT_ID, format!("flush-{partition}-{ahead_secs}"))
                    .set(column::AGENT_ID, "flush")
                    .set(
                        column::EVENT_TIME,
                        Timestamp::from_micros(now_micros() + ahead_secs * 1_000_000),
                    )
                    .build()
                    .unwrap();
                let mut value = Vec::new();
                event::encode::encode(&event, &mut value);
                Outgoing {
                    topic: EVENTS.into(),
                    partition: Some(partition),
                    key: Some(b"flush".to_vec()),
                    value: Some(value),
                    headers: Vec::new(),
                }
            })
            .collect();
        publish_and_wait(&*producer, records, WAIT).unwrap();
    }
    (0..PARTITIONS)
        .map(|partition| {
            let range = log.offsets(&TopicPartition::new(EVENTS, partition)).unwrap();
            (partition, range.next)
        })
        .collect()
}
