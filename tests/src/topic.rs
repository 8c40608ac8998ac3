//! The events of a topic as it is now, read from the log.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::time::Duration;

use event::{Decoder, Event, Limits, TopicPartition};
use ports::{EventLog, Polled, Subscription};
use service::clock::Stopwatch;

/// Longest wait for a partition.
const LIMIT: Duration = Duration::from_secs(60);

/// Every event up to where each partition ends now, partition by partition.
///
/// # Panics
///
/// If the log does not answer.
#[must_use]
pub fn events(log: &dyn EventLog, topic: &str) -> Vec<Event<'static>> {
    let decoder = Decoder::new(Limits::default());
    let mut events = Vec::new();
    for number in 0..log.partitions(topic).unwrap() {
        let partition = TopicPartition::new(topic, number);
        let range = log.offsets(&partition).unwrap();
        let mut next = range.first;
        if next >= range.next {
            continue;
        }
        let mut consumer = log.consumer(Subscription::Partitions(vec![partition.clone()])).unwrap();
        let watch = Stopwatch::start();
        while next < range.next {
            assert!(!watch.has_passed(LIMIT), "{partition} ends at {next}, not {}", range.next);
            match consumer.poll(Duration::from_millis(250)).unwrap() {
                Polled::Assigned(_) => consumer.seek(&partition, next).unwrap(),
                Polled::Batch(batch) => {
                    let events_of = batch.records().map(|r| decoder.decode(&r).event.into_owned());
                    events.extend(events_of);
                    next = batch.next_offset().unwrap_or(next).max(next);
                }
                Polled::Idle | Polled::Revoked(_) => {}
            }
        }
    }
    events
}
